import { expect, test } from "vitest";
import { readAccessAnswer } from "../../../../controller/access/access-answer.ts";

const allow = { allow: true, rule: "r", grants: null };
const deny = { allow: false, rule: "r", reason: "no", hint: "ask" };

test("the two agreed shapes are answers", () => {
  expect(readAccessAnswer([{ result: allow }])).toEqual(allow);
  expect(readAccessAnswer([{ result: { ...allow, grants: ["g"] } }])).toEqual({ ...allow, grants: ["g"] });
  expect(readAccessAnswer([{ result: deny }])).toEqual(deny);
});

test.each([
  [[]], [[{}]], [null], [undefined], ["allow"], [{ result: allow }], [[{ result: true }]], [[{ result: allow }, { result: allow }]],
  [[{ result: { ...allow, allow: "true" } }]], [[{ result: { ...allow, allow: 1 } }]], [[{ result: { allow: true, rule: "r" } }]], [[{ result: { ...allow, rule: "" } }]],
  [[{ result: { ...allow, more: 1 } }]], [[{ result: { ...allow, grants: "g" } }]], [[{ result: { ...allow, grants: [""] } }]], [[{ result: { ...deny, hint: "" } }]], [[{ result: { ...deny, grants: null } }]],
])("%j is no answer and never an allow", (answer) => {
  expect(() => readAccessAnswer(answer)).toThrow(expect.objectContaining({ name: "AccessUnavailable" }));
});
