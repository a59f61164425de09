import { describe, expect, test } from "vitest";
import { RegoChecks } from "../../../../controller/boundary/rego-checks.ts";
import { refused } from "../../../../controller/boundary/verdict.ts";
import { resourcesOf } from "../../../support/boundary-resources.ts";

const OPA = { path: "/nowhere/opa", version: "1.22.0" };
const signal = new AbortController().signal;
const rego = (text: string) => ({ rego: { "x.rego": text } });
const GOOD = { sources: new Map([["x.rego", "moved"]]), questions: new Set<never>() };

/** A compiler that counts, and that finds fault with what says so. */
function counting() {
  const asked: string[] = [];
  const checks = new RegoChecks(OPA, async ({ namespace, name, rego: { "x.rego": text } }) => {
    asked.push(`${namespace}/${name}`);
    if (text === "hang") throw new Error("not done in time");
    return text === "bad" ? [{ file: "x.rego", line: 1, message: "bad" }] : GOOD;
  });
  const verdicts = (policies: Readonly<Record<string, object>>, excluded = new Map()) => checks.verdicts(resourcesOf({ policies }).policies, excluded, signal);
  return { asked, verdicts };
}

describe("the compiler", () => {
  test("is asked of each text once, and again when it changes", async () => {
    const { asked, verdicts } = counting();
    await verdicts({ "a/x": rego("one"), "a/y": rego("bad") });
    const again = await verdicts({ "a/x": rego("one"), "a/y": rego("bad") });
    expect(again.get("a.x")).toBe(GOOD);
    expect(again.get("a.y")).toEqual([{ file: "x.rego", line: 1, message: "bad" }]);
    expect(asked).toEqual(["a/x", "a/y"]);
    await verdicts({ "a/x": rego("two"), "a/y": rego("bad") });
    expect(asked).toEqual(["a/x", "a/y", "a/x"]);
  });

  test("is not asked of data alone, of what is left out, or of what is not understood", async () => {
    const { asked, verdicts } = counting();
    expect(await verdicts({ "a/data": {}, "a/out": rego("one"), "a/odd": { rego: 7 } }, new Map([["a.out", refused("TooLarge", "")]]))).toEqual(new Map());
    expect(asked).toEqual([]);
  });

  test("that does not finish is asked again, and the policy is broken meanwhile", async () => {
    const { asked, verdicts } = counting();
    expect((await verdicts({ "a/x": rego("hang"), "a/y": rego("one") })).get("a.x")).toEqual([{ file: "rego", message: "could not be compiled: not done in time" }]);
    await verdicts({ "a/x": rego("hang"), "a/y": rego("one") });
    expect(asked).toEqual(["a/x", "a/y", "a/x"]);
  });

  test("forgets policies that are gone", async () => {
    const { asked, verdicts } = counting();
    await verdicts({ "a/x": rego("one") });
    await verdicts({});
    await verdicts({ "a/x": rego("one") });
    expect(asked).toEqual(["a/x", "a/x"]);
  });

  test("is missed by policies with Rego alone", async () => {
    const verdicts = await new RegoChecks(null).verdicts(resourcesOf({ policies: { "a/x": rego("one"), "a/data": {} } }).policies, new Map(), signal);
    expect([...verdicts]).toEqual([["a.x", [{ file: "rego", message: expect.stringContaining("no compiler") }]]]);
  });
});
