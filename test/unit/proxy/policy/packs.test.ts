import { describe, expect, test } from "vitest";
import { policyData, type PolicyData } from "../../../../proxy/policy/data.ts";
import { expandPacks, levelsOf } from "../../../../proxy/policy/packs.ts";
import { parsePack } from "../../../../proxy/policy/parse-pack.ts";

const SHOP = parsePack("shop", "shop.yaml", `
shop:
  title: Shop
  about: Orders.
  source: https://docs.shop.example/
  credentials:
    api: {about: a key, recipe: shop}
    files: {about: another key}
  parameters:
    shops: {about: Shops, kind: name, example: [acme]}
    port: {about: Port, kind: port, default: ["443"]}
  levels:
    - name: read
      about: Read orders
      hosts:
        - {name: "\${shops}.shop.example", rule: orders.read, about: read orders, credential: api, ports: ["\${port}"], paths: ["/v1/orders/**"]}
        - {name: cdn.shop.example, rule: pictures, about: fetch pictures}
    - name: write
      about: Also change orders
      includes: [read]
      hosts:
        - {name: api.shop.example, rule: orders.write, about: change an order, credential: api, methods: [POST], paths: ["/v1/\${shops}/orders"]}
        - {name: files.shop.example, rule: upload, about: upload a file, credential: files, methods: [PUT]}
      addresses:
        - {cidr: 192.0.2.0/24, ports: [443], rule: printer, about: print, handling: tunnel}
`);
const PACKS = new Map([["shop", SHOP]]);

function expanded(...packs: readonly object[]): PolicyData {
  const result = expandPacks(policyData.parse({ hosts: [{ name: "own.test" }], packs }), PACKS);
  if ("problems" in result) throw new Error(result.problems.join("\n"));
  return result.data;
}

function problemsOf(...packs: readonly object[]): readonly string[] {
  const result = expandPacks(policyData.parse({ packs }), PACKS);
  return "problems" in result ? result.problems : [];
}

describe("a pack that is taken up", () => {
  test("puts the entries of its least level behind one's own, under rules of its name", () => {
    const { hosts, packs } = expanded({ pack: "shop", with: { shops: "acme" } });
    expect(hosts.map(({ name, rule }) => `${name} ${rule}`)).toEqual(["own.test undefined", "acme.shop.example shop.orders.read", "cdn.shop.example shop.pictures"]);
    expect(packs).toEqual([]);
  });

  test("has the entries of the levels that a level includes", () => {
    const { hosts, addresses } = expanded({ pack: "shop", access: "write", with: { shops: ["acme"] } });
    expect(hosts.slice(1).map(({ rule }) => rule)).toEqual(["shop.orders.read", "shop.pictures", "shop.orders.write", "shop.upload"]);
    expect(addresses).toMatchObject([{ cidr: "192.0.2.0/24", rule: "shop.printer", handling: "tunnel" }]);
  });

  test("becomes one entry for each host, one path for each value, and numbers for ports", () => {
    const { hosts } = expanded({ pack: "shop", access: "write", with: { shops: ["acme", "bolt"], port: "8443" } });
    expect(hosts.filter(({ rule }) => rule === "shop.orders.read")).toMatchObject([{ name: "acme.shop.example", ports: [8443] }, { name: "bolt.shop.example", ports: [8443] }]);
    expect(hosts.find(({ rule }) => rule === "shop.orders.write")).toMatchObject({ paths: ["/v1/acme/orders", "/v1/bolt/orders"] });
  });

  test("speaks for whom it is taken up, costs what they say, and lends only where the pack lends", () => {
    const { hosts } = expanded({ pack: "shop", with: { shops: "acme" }, agents: ["a/*"], budgets: ["b"], grants: ["key"] });
    expect(hosts.slice(1)).toMatchObject([{ agents: ["a/*"], budgets: ["b"], grants: ["key"] }, { agents: ["a/*"], budgets: ["b"] }]);
    expect(hosts[2]?.grants).toBeUndefined();
  });

  test("lends each of its credentials where it belongs", () => {
    const { hosts } = expanded({ pack: "shop", access: "write", with: { shops: "acme" }, grants: { api: "key", files: "other" } });
    expect(hosts.slice(1).map(({ grants }) => grants)).toEqual([["key"], undefined, ["key"], ["other"]]);
  });

  test("asks a person where its user says so, and nowhere else", () => {
    const { hosts } = expanded({ pack: "shop", access: "write", with: { shops: "acme" }, ask: ["shop.upload"] });
    expect(hosts.find(({ rule }) => rule === "shop.upload")).toMatchObject({ effect: "ask", ask: { reason: "Shop: upload a file" } });
    expect(hosts.filter(({ effect }) => effect === "ask")).toHaveLength(1);
  });

  test("is an error with every problem and its place", () => {
    expect(problemsOf(
      { pack: "shop", grants: ["key"], ask: ["shop.upload"], with: { shop: "acme" } }, { pack: "shp" }, { pack: "shop", access: "admin" },
      { pack: "shop", access: "write", with: { shops: "acme" }, grants: ["key"] }, { pack: "shop", with: { shops: "acme" }, grants: { files: "key" } },
    )).toEqual([
      "packs.0.with.shop: no entry of this level has such a parameter; they have shops, port",
      "packs.0.with.shops: must be given: Shops, such as acme",
      "packs.0.ask.0: shop.upload is no rule of this level; it has shop.orders.read, shop.pictures",
      "packs.1.pack: there is no pack shp; there are shop",
      "packs.2.access: shop has no level admin; it has read, write",
      "packs.3.grants: shop has several credentials; say which is which: {api: GRANT, files: GRANT}",
      "packs.4.grants.files: is not lent at this level; it lends api",
    ]);
  });

  test("is an error where what it is given does not make an entry", () => {
    expect(problemsOf({ pack: "shop", access: "write", with: { shops: "*" }, agents: ["nobody"] })).toEqual([
      expect.stringContaining("packs.0.pack: shop.orders.read: agents.0: "), expect.stringContaining("packs.0.pack: shop.pictures: agents.0: "),
      expect.stringContaining("packs.0.pack: shop.orders.write: agents.0: "), expect.stringContaining("packs.0.pack: shop.upload: agents.0: "),
      expect.stringContaining("packs.0.pack: shop.printer: agents.0: "),
    ]);
  });
});

test("packs become no more than so many texts together, and that is known before they do", () => {
  const data = policyData.parse({ packs: [{ pack: "shop", with: { shops: ["a", "b"] } }, { pack: "shop", with: { shops: ["c", "d"] } }] });
  expect(expandPacks(data, PACKS, 50)).toHaveProperty("data");
  expect(expandPacks(data, PACKS, 20)).toEqual({ problems: ["packs.1.with: becomes 12 texts, and 8 are left of those that packs may become; give fewer values"] });
  const many = Array.from({ length: 1_000 }, (_, index) => `s${index}`);
  expect(problemsOf({ pack: "shop", access: "write", with: { shops: many, port: many.map((_, index) => String(index + 1)) } })).toEqual([expect.stringContaining("and 100000 are left")]);
});

test("levels are those that a level includes, in the pack's order, itself last", () => {
  expect(levelsOf(SHOP, "write")?.map(({ name }) => name)).toEqual(["read", "write"]);
  expect(levelsOf(SHOP, undefined)?.map(({ name }) => name)).toEqual(["read"]);
  expect(levelsOf(SHOP, "none")).toBeNull();
});
