import { describe, expect, test } from "vitest";
import { parsePack } from "../../../../proxy/policy/parse-pack.ts";

const HEAD = "shop:\n  title: Shop\n  about: Orders.\n  source: https://docs.shop.example/\n";
const problemsOf = (text: string): readonly string[] => {
  try {
    parsePack("shop", "packs/shop.yaml", HEAD + text);
    return [];
  } catch (error) {
    return (error as { problems: readonly string[] }).problems;
  }
};
const ENTRY = "rule: read, about: read orders";

describe("a pack", () => {
  test("that is fit is read", () => {
    expect(problemsOf(`  levels: [{name: read, about: Read, hosts: [{name: a.test, ${ENTRY}}]}]\n`)).toEqual([]);
  });

  test("stands below its name", () => {
    expect(() => parsePack("shop", "packs/shop.yaml", "title: Shop\n")).toThrow("packs/shop.yaml: 2 problems");
    expect(() => parsePack("shop", "packs/shop.yaml", "{}\n")).toThrow("shop: is missing: a pack stands below its name");
  });

  test("says nothing of agents, grants and budgets: that is its user's", () => {
    expect(problemsOf(`  levels: [{name: read, about: Read, hosts: [{name: a.test, ${ENTRY}, grants: [g], agents: ["*/*"], effect: deny}]}]\n`)).toEqual([
      "line 5: shop.levels.0.hosts.0.agents: has no place in a pack; whoever takes it up says that",
      "line 5: shop.levels.0.hosts.0.grants: has no place in a pack; whoever takes it up says that",
      "line 5: shop.levels.0.hosts.0.effect: has no place in a pack; whoever takes it up says that",
    ]);
  });

  test("has no names that lead nowhere", () => {
    expect(problemsOf(`  parameters: {shops: {about: Shops, kind: name, example: [a]}}
  levels:
    - {name: read, about: Read, includes: [write], hosts: [{name: a.test, ${ENTRY}, credential: key, paths: ["/\${shop}"]}]}
    - {name: read, about: Read}
`)).toEqual([
      "line 5: parameters.shops: no entry uses it", "line 6: levels: ${shop} is no parameter of this pack", "line 6: levels: read stands there twice",
      "line 7: levels.0.includes: no level write stands before read", "line 6: levels: read has no entry and includes none", "line 7: levels.0: read: key is no credential of this pack",
    ]);
  });

  test("has entries that data.yaml could have, at every level and with its examples", () => {
    expect(problemsOf(`  parameters: {shops: {about: Shops, kind: name, example: ["a/b"]}}
  levels:
    - {name: read, about: Read, hosts: [{name: a.test, ${ENTRY}, metods: [GET]}]}
    - {name: write, about: Write, hosts: [{name: a.test, rule: write, about: write, paths: ["/\${shops}"]}]}
`)).toEqual(["line 7: shop.read: unknown key metods", 'line 5: parameters.shops: "a/b" is not a name: letters, digits and . _ -, or * for every one']);
  });

  test("says what a parameter without a default could be", () => {
    expect(problemsOf("  parameters: {shops: {about: Shops, kind: name}}\n  levels: []\n")).toEqual([
      "line 5: shop.parameters.shops: needs a default, or an example of what to give", expect.stringContaining("shop.levels: "),
    ]);
  });
});
