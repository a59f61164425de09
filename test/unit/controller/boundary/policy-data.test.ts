import { describe, expect, test } from "vitest";
import { A_BUDGET, A_GRANT, planOf } from "../../../support/boundary-resources.ts";

const SHELF = { grants: { "team-a/github": A_GRANT, "team-b/chat": A_GRANT }, budgets: { "team-a/daily": A_BUDGET } };
const outcomeOf = (data: object) => planOf({ ...SHELF, policies: { "team-a/web": { data } } }).policies.get("team-a.web");
/** More rooms and servers than fit together. */
const MANY = Array.from({ length: 100 }, (_, index) => `n${index}`);
const entry = (fields: object) => ({ hosts: [{ name: "a.test", ...fields }] });

describe("data of an EgressPolicy", () => {
  test("names grants and budgets of its namespace; they get their ids", () => {
    const { value, problems, unresolved } = outcomeOf({ ...entry({ grants: ["github"], budgets: ["daily"] }), addresses: [{ cidr: "10.0.0.0/8", ports: [1], budgets: ["daily"] }] }) ?? {};
    expect(value?.data.hosts[0]).toMatchObject({ name: "a.test", grants: ["team-a.github"], budgets: ["team-a.daily"] });
    expect(value?.data.addresses[0]).toMatchObject({ budgets: ["team-a.daily"] });
    expect([problems, unresolved]).toEqual([[], []]);
  });

  test.each([
    ["another namespace's grant by its id", entry({ grants: ["team-b.chat"] }), "data: hosts.0.grants.0: must be the name of a CredentialGrant of this namespace"],
    ["Weir's own grant", entry({ grants: ["weir.internal"] }), "data: hosts.0.grants.0: must be the name of a CredentialGrant of this namespace"],
    ["another namespace's budget", entry({ budgets: ["team-b.daily"] }), "data: hosts.0.budgets.0: must be the name of a Budget of this namespace"],
    ["agents", entry({ agents: ["team-b/*"] }), "data: hosts.0.agents: has no place here"],
    ["agents of an address", { addresses: [{ cidr: "10.0.0.0/8", ports: [1], agents: ["*/*"] }] }, "data: addresses.0.agents: has no place here"],
    ["the controller's name", { hosts: [{ name: "weir.internal", ports: [22], handling: "tunnel" }] }, "data: hosts.0.name: weir.internal is open"],
    ["a field that there is not", entry({ methodz: ["GET"] }), 'data: hosts.0: Unrecognized key: "methodz"'],
    ["what has no meaning together", entry({ handling: "tunnel", grants: ["github"] }), "data: hosts.0.grants: has no meaning in a tunnel"],
    ["an argument rule that says nothing", entry({ mcp: { tools: [{ name: "a", arguments: { path: {} } }] } }), "data: hosts.0.mcp.tools.0"],
    ["a range that is none", { addresses: [{ cidr: "10.0.0.1/8", ports: [1] }] }, "data: addresses.0.cidr"],
  ])("may not name %s; nothing of the policy counts then", (_, data, message) => {
    const outcome = outcomeOf(data);
    expect(outcome).toMatchObject({ value: null, refusal: { reason: "InvalidData" } });
    expect(outcome?.problems.map(({ file, message: text }) => `${file}: ${text}`)).toContainEqual(expect.stringContaining(message));
  });

  test("may say what is read of bodies, and leave it to a person", () => {
    const data = entry({ effect: "ask", ask: { reason: "May it?" }, mcp: { tools: ["merge"] }, grants: ["github"] });
    expect(outcomeOf(data)?.value?.data.hosts[0]).toMatchObject({ effect: "ask", mcp: { tools: [{ name: "merge" }] }, grants: ["team-a.github"] });
  });

  test("says everything that is wrong at once", () => {
    expect(outcomeOf({ hosts: [{ name: "A.test" }, { name: "a.test", agents: ["*/*"] }], addresses: [{ cidr: "x", ports: [1] }] })?.problems).toHaveLength(3);
  });

  test.each([["grants", "CredentialGrant"], ["budgets", "Budget"]])("whose %s are not there counts, but what needs them will not find them", (field, kind) => {
    const outcome = outcomeOf(entry({ [field]: ["nowhere"] }));
    expect(outcome).toMatchObject({ refusal: null, unresolved: [{ file: "data", message: `hosts.0.${field}.0: there is no accepted ${kind} nowhere in this namespace` }] });
    expect(outcome?.value?.data.hosts[0]).toMatchObject({ [field]: ["team-a.nowhere"] });
  });

  test("takes packs up, with grants and budgets of its namespace", () => {
    const outcome = outcomeOf({ ...entry({}), packs: [{ pack: "chat", with: { rooms: ["a", "b"] }, grants: { bot: "github" }, budgets: ["daily"] }] });
    expect(outcome).toMatchObject({ refusal: null, problems: [], unresolved: [] });
    expect(outcome?.value?.data.hosts).toMatchObject([{ name: "a.test" }, { name: "chat.test", rule: "chat.read", paths: ["/a", "/b"], grants: ["team-a.github"], budgets: ["team-a.daily"] }]);
  });

  test("says which rule of a pack lacks its grant", () => {
    const outcome = outcomeOf({ packs: [{ pack: "chat", with: { rooms: "a" }, grants: ["nowhere"] }] });
    expect(outcome?.unresolved).toEqual([{ file: "data", message: "packs: chat.read.grants.0: there is no accepted CredentialGrant nowhere in this namespace" }]);
  });

  test.each([
    ["that there is not", { pack: "chatt" }, "packs: 0.pack: there is no pack chatt; there are chat"],
    ["for other agents", { pack: "chat", with: { rooms: "a" }, agents: ["team-b/*"] }, "packs.0.agents: has no place here"],
    ["with another namespace's grant", { pack: "chat", with: { rooms: "a" }, grants: { bot: "team-b.chat" } }, "packs.0.grants.bot: must be the name of a CredentialGrant of this namespace"],
    ["that leads to the controller", { pack: "chat", access: "own", with: { rooms: "a", host: "weir.internal" } }, "packs: weir.internal is open"],
    ["that would become more than there is room for", { pack: "chat", access: "own", with: { rooms: MANY, host: MANY.map((name) => `${name}.test`) } }, "and 5000 are left of those that packs may become"],
  ])("may not take up a pack %s", (_, pack, message) => {
    const outcome = outcomeOf({ packs: [pack] });
    expect(outcome).toMatchObject({ value: null, refusal: { reason: "InvalidData" } });
    expect(outcome?.problems.map(({ message: text }) => text)).toContainEqual(expect.stringContaining(message));
  });

  test("does not find a grant of the same name in another namespace", () => {
    expect(outcomeOf(entry({ grants: ["chat"] }))?.unresolved).toHaveLength(1);
  });
});
