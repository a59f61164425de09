import { describe, expect, test } from "vitest";
import { resolveAgent, type Shelf } from "../../../../controller/boundary/holdings.ts";
import type { PolicyOutcome } from "../../../../controller/boundary/policies.ts";
import { refused } from "../../../../controller/boundary/verdict.ts";
import { agentSpec, type Agent } from "../../../../controller/resources/agent.ts";

const REGO = { sources: new Map<string, string>(), questions: new Set<never>() };
const inForce = (name: string): PolicyOutcome => ({ value: { namespace: "a", name, data: { hosts: [], addresses: [], custom: {} }, rego: REGO }, problems: [], unresolved: [], refusal: null });
const broken: PolicyOutcome = { value: null, problems: [], unresolved: [], refusal: refused("InvalidRego", "") };
const SHELF: Shelf = {
  packs: new Map(),
  brokenCaps: new Map(),
  policies: new Map([["a.web", inForce("web")], ["a.files", inForce("files")], ["a.broken", broken], ["b.web", inForce("web")]]),
  grants: new Set(["a.github", "b.chat"]), budgets: new Set(["a.daily"]), agents: new Set(["a/coder", "a/helper"]),
};
const agent = (spec: object): Agent => ({ metadata: { namespace: "a", name: "coder", uid: "u" }, spec: agentSpec.parse(spec) });
const own = (spec: object) => resolveAgent(agent(spec), SHELF).holders[0];

describe("an agent", () => {
  test("holds what it names, of its own namespace, in its order, and the way to the controller", () => {
    expect(own({ policies: ["files", "web"], grants: ["github"], budgets: ["daily"] })).toEqual({
      namespace: "a", name: "coder", key: "a/coder", policies: ["a.files", "a.web"], holds: { grants: ["a.github", "weir.internal"], budgets: ["a.daily"] }, withheld: null,
    });
  });

  test("that names nothing holds nothing but that way", () => {
    expect(own({})).toMatchObject({ policies: [], holds: { grants: ["weir.internal"], budgets: [] }, withheld: null });
  });

  test("does not hold what another namespace calls the same", () => {
    expect(resolveAgent(agent({ grants: ["chat"] }), SHELF)).toMatchObject({ holders: [{ holds: { grants: ["weir.internal"] } }], missing: ["grants: CredentialGrant chat"] });
  });

  test.each<[string, object, string]>([
    ["a policy is missing", { policies: ["web", "gone"] }, "EgressPolicy gone does not exist"],
    ["a policy is broken", { policies: ["web", "broken"] }, "EgressPolicy broken is not in force"],
    ["a budget is missing", { policies: ["web"], budgets: ["gone"] }, "Budget gone is not there"],
    ["several are, the missing policy first", { policies: ["broken", "gone"], budgets: ["gone"] }, "EgressPolicy gone does not exist"],
  ])("may do nothing at all while %s", (_name, spec, reason) => {
    expect(own(spec)).toMatchObject({ policies: [], withheld: { reason: expect.stringMatching(`^${reason}, and without all of its policies and budgets agent a/coder may do nothing`) } });
  });

  test("goes on while a grant is missing: what needs it fails by itself", () => {
    expect(own({ policies: ["web"], grants: ["gone"] })).toMatchObject({ policies: ["a.web"], withheld: null });
  });
});

describe("a server of tools", () => {
  const server = (fields: object) => ({ mcpServers: [{ name: "shell", image: "s:1", port: 8_001, ...fields }] });

  test("holds what it names itself, and nothing of its agent's", () => {
    const { holders } = resolveAgent(agent({ policies: ["web"], grants: ["github"], ...server({ policies: ["files"] }) }), SHELF);
    expect(holders[1]).toMatchObject({ name: "coder.shell", key: "a/coder.shell", policies: ["a.files"], holds: { grants: ["weir.internal"] } });
  });

  test("is withheld by itself, and what it misses is told with its name", () => {
    const { holders, missing } = resolveAgent(agent({ policies: ["web"], ...server({ policies: ["gone"], grants: ["gone"] }) }), SHELF);
    expect(holders.map(({ withheld }) => withheld === null)).toEqual([true, false]);
    expect(missing).toEqual(["mcpServers[shell].policies: EgressPolicy gone", "mcpServers[shell].grants: CredentialGrant gone"]);
  });
});

test("a right to spawn that leads nowhere is told", () => {
  const { missing } = resolveAgent(agent({ spawn: [{ agent: "helper", grants: ["github", "gone"] }, { agent: "nobody" }] }), SHELF);
  expect(missing).toEqual(["spawn[helper].grants: CredentialGrant gone", "spawn: Agent nobody"]);
});
