import { describe, expect, test } from "vitest";
import { RegoChecks } from "../../../../controller/boundary/rego-checks.ts";
import { refused } from "../../../../controller/boundary/verdict.ts";
import { resourcesOf } from "../../../support/boundary-resources.ts";
import { TestClock } from "../../../support/test-clock.ts";

const OPA = { path: "/nowhere/opa", version: "1.22.0" };
const signal = new AbortController().signal;
const rego = (text: string) => ({ rego: { "x.rego": text } });
const GOOD = { sources: new Map([["x.rego", "moved"]]), questions: new Set<never>() };

/** A compiler that counts, and that finds fault with what says so. */
function counting() {
  const asked: string[] = [];
  const clock = new TestClock();
  const checks = new RegoChecks(OPA, async ({ namespace, name, rego: { "x.rego": text } }) => {
    asked.push(`${namespace}/${name}`);
    if (text === "slow") clock.advance(4_000);
    if (text === "hang") throw new Error("not done in time");
    return text === "bad" ? [{ file: "x.rego", line: 1, message: "bad" }] : GOOD;
  }, clock);
  const pass = async (policies: Readonly<Record<string, object>>, excluded = new Map()) => checks.verdicts(resourcesOf({ policies }).policies, excluded, signal);
  return { asked, clock, pass, verdicts: async (policies: Readonly<Record<string, object>>, excluded = new Map()) => (await pass(policies, excluded)).verdicts };
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

  test("that does not finish leaves the policy broken, and is asked again after half a minute, then after a minute, or at once about another text", async () => {
    const { asked, clock, verdicts } = counting();
    const world = { "a/x": rego("hang"), "a/y": rego("one") };
    expect((await verdicts(world)).get("a.x")).toEqual([{ file: "rego", message: "could not be compiled: not done in time" }]);
    await verdicts(world);
    expect(asked).toEqual(["a/x", "a/y"]);
    for (const [passes, asks] of [[29_999, 1], [1, 2], [59_999, 2], [1, 3]] as const) {
      clock.advance(passes);
      await verdicts(world);
      expect(asked.filter((one) => one === "a/x")).toHaveLength(asks);
    }
    expect((await verdicts({ ...world, "a/x": rego("two") })).get("a.x")).toBe(GOOD);
  });

  test("has one namespace's slow texts wait for the next pass, and nobody else's", async () => {
    const { asked, pass } = counting();
    const world = { ...Object.fromEntries(["1", "2", "3", "4"].map((name) => [`a/${name}`, rego("slow")])), "b/x": rego("one"), "b/y": rego("slow") };
    const first = await pass(world);
    expect(asked).toEqual(["a/1", "a/2", "b/x", "b/y"]);
    expect(first.isComplete).toBe(false);
    expect([first.verdicts.get("a.2"), first.verdicts.get("a.3")]).toEqual([GOOD, [{ file: "rego", message: expect.stringContaining("waits for the compiler") }]]);
    const second = await pass(world);
    expect([second.isComplete, second.verdicts.get("a.4")]).toEqual([true, GOOD]);
    expect(asked).toEqual(["a/1", "a/2", "b/x", "b/y", "a/3", "a/4"]);
  });

  test("looks at any number of quick texts in one pass", async () => {
    const { pass } = counting();
    expect((await pass(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`a/n${index}`, rego(`${index}`)])))).isComplete).toBe(true);
  });

  test("forgets policies that are gone", async () => {
    const { asked, verdicts } = counting();
    await verdicts({ "a/x": rego("one") });
    await verdicts({});
    await verdicts({ "a/x": rego("one") });
    expect(asked).toEqual(["a/x", "a/x"]);
  });

  test("is missed by policies with Rego alone", async () => {
    const { verdicts } = await new RegoChecks(null).verdicts(resourcesOf({ policies: { "a/x": rego("one"), "a/data": {} } }).policies, new Map(), signal);
    expect([...verdicts]).toEqual([["a.x", [{ file: "rego", message: expect.stringContaining("no compiler") }]]]);
  });
});
