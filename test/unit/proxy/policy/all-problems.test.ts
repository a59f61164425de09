import { expect, test } from "vitest";
import { EXIT, UserError } from "../../../../common/exit-codes.ts";
import { allOf } from "../../../../proxy/policy/all-problems.ts";

const fails = (message: string, hint = "Mend it.") => () => Promise.reject(new UserError(message, hint, EXIT.config));

test("what goes well is given in order", async () => {
  expect(await allOf([() => 1, async () => "two"])).toEqual([1, "two"]);
});

test("all problems are told together, each hint once", async () => {
  await expect(allOf([fails("a: 1 problem"), () => 1, fails("b: 1 problem"), fails("c", "Look.")])).rejects.toMatchObject({
    message: "a: 1 problem\nb: 1 problem\nc", hint: "Mend it.\n  Look.", exitCode: 78,
  });
});

test("one problem stays what it is, and a fault of ours is none of the policy's", async () => {
  const one = new UserError("a", "b", EXIT.unavailable);
  await expect(allOf([() => 1, () => { throw one; }])).rejects.toBe(one);
  await expect(allOf([fails("a"), () => { throw new TypeError("ours"); }])).rejects.toThrow(TypeError);
});
