import { expect, test } from "vitest";
import { policyData } from "../../../../proxy/policy/data.ts";
import { likelyMistakes, namesOf } from "../../../../proxy/policy/likely-mistakes.ts";
import { packFile } from "../../../../proxy/policy/pack-file.ts";

const shop = packFile.parse({
  title: "Shop", about: "A shop", source: "https://shop.test/docs", credentials: { key: { about: "A key" } },
  levels: [{ name: "look", about: "Look", hosts: [{ rule: "look", about: "look", name: "shop.test" }] }, { name: "read", about: "Read", hosts: [{ rule: "read", about: "read", name: "shop.test", credential: "key" }] }],
});
const mistakesOf = (written: object): string[] => {
  const data = policyData.parse(written);
  return likelyMistakes(data, data.packs, new Map([["shop", shop]]));
};

test.each([
  ["a pack that lends, without grants", { packs: [{ pack: "shop", access: "read" }] }, "without the credential key"],
  ["a pack taken up twice for the same", { packs: [{ pack: "shop", access: "read", grants: ["a"] }, { pack: "shop", access: "read", grants: ["b"] }] }, "taken up twice"],
  ["names of GraphQL alone", { hosts: [{ name: "a.test", graphql: { names: ["Issues"] } }] }, "limits nothing by itself"],
  ["an entry that a deny covers whole", { hosts: [{ name: "a.test", rule: "mine" }, { name: "a.test", effect: "deny" }] }, "host a.test (rule mine): is never used"],
  ["an entry of a hidden name", { hosts: [{ name: "a.test" }], names: { hide: ["a.test"] } }, "names.hide hides the name"],
])("%s is told", (_what, written, message) => { expect(mistakesOf(written)).toEqual([expect.stringContaining(message)]); });

test.each([
  ["a pack with its grants", { packs: [{ pack: "shop", access: "read", grants: ["a"] }] }], ["a pack that says that it gets none", { packs: [{ pack: "shop", access: "read", grants: [] }] }],
  ["a level that lends nothing", { packs: [{ pack: "shop" }] }], ["a pack for different agents", { packs: [{ pack: "shop", agents: ["a/b"] }, { pack: "shop", agents: ["a/c"] }] }],
  ["names beside fields", { hosts: [{ name: "a.test", graphql: { names: ["Issues"], fields: ["issues"] } }] }],
  ["a deny of some of it", { hosts: [{ name: "a.test" }, { name: "a.test", effect: "deny", methods: ["DELETE"] }] }],
  ["a deny for others", { hosts: [{ name: "a.test" }, { name: "a.test", effect: "deny", agents: ["x/y"] }] }], ["another hidden name", { hosts: [{ name: "a.test" }], names: { hide: ["b.test"] } }],
])("%s is not", (_what, written) => { expect(mistakesOf(written)).toEqual([]); });

test("names are those of all entries, each once", () => {
  const data = policyData.parse({ hosts: [{ name: "a.test", grants: ["g"], budgets: ["day"] }, { name: "b.test", grants: ["g", "h"] }], addresses: [{ cidr: "10.0.0.0/8", ports: [443], budgets: ["net"] }] });
  expect(namesOf(data)).toEqual({ grants: ["g", "h"], budgets: ["day", "net"] });
});
