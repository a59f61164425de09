import { describe, expect, test } from "vitest";
import { RegoBuilder } from "../../../../controller/boundary/build.ts";
import type { TenantPolicy } from "../../../../proxy/operator.ts";
import { TestClock } from "../../../support/test-clock.ts";

const policy = (id: string, text = "x := 1"): TenantPolicy => {
  const [namespace = "", name = ""] = id.split("/");
  const sources = new Map(text === "" ? [] : [["x.rego", `package weir.tenant["${namespace}.${name}"].exchange\n${text}\n`]]);
  return { namespace, name, data: { hosts: [], addresses: [], custom: {} }, rego: { sources, questions: new Set() } };
};

/** A compiler that counts, takes a second for each `slow` line and fails at the word `bad`, or at two words that it does not bear together. */
function aBuilder() {
  const clock = new TestClock();
  const asked: string[][] = [];
  const builder = new RegoBuilder(null, async (sources) => {
    const text = [...sources.values()].join("\n");
    asked.push([...sources.keys()].filter((path) => path.startsWith("tenants/")).map((path) => path.split("/").slice(1, 3).join("/")));
    clock.advance(text.split("slow").length * 1_000);
    if (text.includes("bad")) throw new Error("too deep");
    if (text.includes("oil") && text.includes("water")) throw new Error("they do not mix");
    return new TextEncoder().encode(text);
  }, clock);
  /** Ids that are left out one after the other, until the rest can be built. */
  const leftOut = async (...policies: TenantPolicy[]) => {
    const out: string[] = [];
    for (;;) {
      const rest = policies.filter(({ namespace, name }) => !out.includes(`${namespace}.${name}`));
      const known = builder.knownCulprits(rest);
      const found = known.size > 0 ? known : await builder.build(rest).then(() => new Map(), async (error: unknown) => builder.culprits(rest, error));
      if (found.size === 0) return out;
      out.push(...found.keys());
    }
  };
  return { asked, builder, clock, leftOut };
}

describe("the builder", () => {
  test("builds the same text once", async () => {
    const { asked, builder } = aBuilder();
    const first = await builder.build([policy("a/x")]);
    expect(await builder.build([policy("a/x")])).toBe(first);
    await builder.build([policy("a/x", "y := 2")]);
    expect(asked).toHaveLength(2);
  });

  test("leaves out the policy that cannot be built alone, and nobody else", async () => {
    expect(await aBuilder().leftOut(policy("a/x"), policy("b/x", "bad"), policy("b/y"), policy("c/data", ""))).toEqual(["b.x"]);
  });

  test("leaves out a namespace whose policies do not go together, and nobody else", async () => {
    expect(await aBuilder().leftOut(policy("a/x"), policy("b/x", "oil"), policy("b/y", "water"), policy("c/x"))).toEqual(["b.x", "b.y"]);
  });

  test("leaves out the namespace that takes longest where only all together cannot be built", async () => {
    expect(await aBuilder().leftOut(policy("a/x", "oil"), policy("b/x", "water # slow slow"), policy("c/x"))).toEqual(["b.x"]);
  });

  test("says why", async () => {
    const { builder } = aBuilder();
    const policies = [policy("a/x", "oil"), policy("b/x", "water slow")];
    const culprits = await builder.culprits(policies, new Error("they do not mix"));
    expect([...culprits]).toEqual([["b.x", { isAccepted: false, reason: "BuildFailed", message: expect.stringMatching(/this namespace's takes longest: they do not mix/) }]]);
  });

  test("does not ask again about what it could not build, for ten minutes", async () => {
    const { asked, clock, leftOut } = aBuilder();
    const policies = [policy("a/x"), policy("b/x", "bad")];
    await leftOut(...policies);
    const before = asked.length;
    expect(await leftOut(...policies)).toEqual(["b.x"]);
    expect(asked.length).toBe(before);
    clock.advance(600_000);
    expect(await leftOut(...policies)).toEqual(["b.x"]);
    expect(asked.length).toBeGreaterThan(before);
  });

  test("asks at once about another text", async () => {
    const { leftOut } = aBuilder();
    expect(await leftOut(policy("a/x"), policy("b/x", "bad"))).toEqual(["b.x"]);
    expect(await leftOut(policy("a/x"), policy("b/x", "good"))).toEqual([]);
  });

  test("finds nobody to blame where there is no Rego", async () => {
    expect(await aBuilder().builder.culprits([policy("a/x", "")], new Error("something else"))).toEqual(new Map());
  });
});
