import { describe, expect, test } from "vitest";
import { boundarySet } from "../../../../common/boundary-set.ts";
import { refused } from "../../../../controller/boundary/verdict.ts";
import { A_BUDGET, A_GRANT, planOf, PLATFORM } from "../../../support/boundary-resources.ts";

const WEB = { data: { hosts: [{ name: "api.github.com", grants: ["github"] }] } };
const MCP = { name: "files", image: "f:1", port: 8_100 };
const WORLD = {
  policies: { "team-a/web": WEB, "team-b/web": {} }, grants: { "team-a/github": A_GRANT, "team-a/chat": A_GRANT }, budgets: { "team-a/daily": A_BUDGET },
  agents: {
    "team-a/reviewer": { policies: ["web"], grants: ["github"], budgets: ["daily"], mcpServers: [{ ...MCP, policies: [], grants: ["chat"] }] },
    "team-b/reviewer": { policies: ["web"] },
  },
};
const rego = { "x.rego": "package weir.custom.exchange\n" };

describe("the boundary", () => {
  test("says of each agent, and of each container of its own, what it holds: an MCP server holds nothing of its agent's", () => {
    const { set } = planOf(WORLD);
    expect(set.agents).toEqual({
      "team-a/reviewer": { grants: ["team-a.github", "weir.internal"], budgets: ["team-a.daily"] },
      "team-a/reviewer.files": { grants: ["team-a.chat", "weir.internal"], budgets: [] },
      "team-b/reviewer": { grants: ["weir.internal"], budgets: [] },
    });
    expect(boundarySet.safeParse({ ...set, revision: "r" })).toMatchObject({ success: true });
  });

  test("lets policies speak for those of their namespace that name them", () => {
    expect(planOf(WORLD).cluster.holders).toEqual({ "team-a": { reviewer: ["team-a.web"], "reviewer.files": [] }, "team-b": { reviewer: ["team-b.web"] } });
  });

  test("is the same whatever the order in which the cluster is listed", () => {
    const reversed = Object.fromEntries(Object.entries(WORLD).map(([kind, objects]) => [kind, Object.fromEntries(Object.entries(objects).reverse())]));
    expect(JSON.stringify(planOf(reversed).set)).toBe(JSON.stringify(planOf(WORLD).set));
    expect(JSON.stringify(planOf(reversed).cluster)).toBe(JSON.stringify(planOf(WORLD).cluster));
  });

  test("leads every agent to the controller, with the word of its proxy, at the paths for instances only", () => {
    const { cluster, set } = planOf(WORLD, { config: { base: { hosts: [{ name: "weir.internal", rule: "mine" }] } } });
    expect(set.platform).toEqual(PLATFORM);
    expect(cluster.base.hosts.map(({ rule }) => rule)).toEqual(["weir.internal", "mine"]);
    expect(cluster.base.hosts[0]).toMatchObject({ name: "weir.internal", methods: ["*"], paths: ["/v1/instance/**"], grants: ["weir.internal"], agents: ["*/*"] });
  });

  test("does not know an Agent that it does not understand", () => {
    const { set, agents, cluster } = planOf({ agents: { "team-a/new": { dreams: true } } });
    expect([set.agents, agents.get("team-a/new"), cluster.holders]).toEqual([{}, null, {}]);
  });

  test("does not know an Agent whose name could be a container of another", () => {
    expect(planOf({ agents: { "team-a/reviewer": { mcpServers: [MCP] }, "team-a/reviewer.files": { grants: [] } } }).agents.get("team-a/reviewer.files")).toBeNull();
  });

  test("knows namespaces by their names, whatever they mean in JavaScript", () => {
    expect(planOf({ agents: { "constructor/constructor": {} } }).cluster.holders).toEqual({ constructor: { constructor: [] } });
  });
});

describe("an agent is refused everything", () => {
  const reviewer = (spec: object, more: object = {}) => {
    const plan = planOf({ ...WORLD, ...more, agents: { "team-a/reviewer": spec } });
    return { withheld: plan.cluster.withheld["team-a"]?.["reviewer"], holds: plan.cluster.holders["team-a"]?.["reviewer"], missing: plan.agents.get("team-a/reviewer")?.missing };
  };

  test("while one of its policies does not exist: its refusals would be missing, too", () => {
    expect(reviewer({ policies: ["web", "later"] })).toEqual({
      withheld: { reason: "EgressPolicy later does not exist, and without all of its policies and budgets agent team-a/reviewer may do nothing", hint: expect.stringContaining("team-a") },
      holds: undefined, missing: ["policies: EgressPolicy later"],
    });
  });

  test("while one of its policies is broken, and others are not", () => {
    const policies = { "team-a/web": WEB, "team-a/bad": { data: { hosts: [{ name: "A" }] } }, "team-b/web": {} };
    const plan = planOf({ ...WORLD, policies, agents: { ...WORLD.agents, "team-a/two": { policies: ["web", "bad"] } } });
    expect(plan.cluster.withheld).toEqual({ "team-a": { two: { reason: expect.stringContaining("EgressPolicy bad is not in force"), hint: expect.any(String) } } });
    expect(plan.cluster.holders["team-a"]?.["reviewer"]).toEqual(["team-a.web"]);
    expect(plan.cluster.policies.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(["team-a/web", "team-b/web"]);
  });

  test("while its policy is in another namespace", () => {
    expect(planOf({ ...WORLD, agents: { "team-c/reviewer": { policies: ["web"] } } }).cluster.withheld).toHaveProperty("team-c.reviewer");
  });

  test("while one of its budgets is not there: the cap would be missing", () => {
    expect(reviewer({ policies: ["web"], budgets: ["gone"] })).toMatchObject({ withheld: { reason: expect.stringContaining("Budget gone is not there") }, missing: ["budgets: Budget gone"] });
  });

  test("but not while a grant is missing: it is not lent", () => {
    expect(reviewer({ policies: ["web"], grants: ["gone"] })).toEqual({ withheld: undefined, holds: ["team-a.web"], missing: ["grants: CredentialGrant gone"] });
  });

  test("alone: its MCP server has policies of its own", () => {
    const plan = planOf({ ...WORLD, agents: { "team-a/reviewer": { policies: ["later"], mcpServers: [{ ...MCP, policies: ["web"] }] } } });
    expect(plan.cluster.holders).toEqual({ "team-a": { "reviewer.files": ["team-a.web"] } });
    expect(plan.cluster.withheld).toEqual({ "team-a": { reviewer: expect.anything() } });
  });

  test("while the Rego of its policy does not compile, or was not looked at", () => {
    const policies = { "team-a/web": { ...WEB, rego } };
    const problems = [{ file: "x.rego", line: 3, message: "no" }];
    const outcome = (verdicts: object) => planOf({ ...WORLD, policies, agents: { "team-a/reviewer": { policies: ["web"] } } }, verdicts);
    const broken = outcome({ rego: new Map([["team-a.web", problems]]) });
    expect(broken.policies.get("team-a.web")).toMatchObject({ value: null, problems, refusal: { reason: "InvalidRego", message: "1 problem; x.rego:3: no" } });
    expect(broken.cluster.withheld).toHaveProperty("team-a.reviewer");
    expect(outcome({}).cluster.withheld).toHaveProperty("team-a.reviewer");
    const good = { sources: new Map([["x.rego", "package x"]]), questions: new Set() };
    expect(outcome({ rego: new Map([["team-a.web", good]]) }).cluster).toMatchObject({ withheld: {}, policies: [{ rego: good }] });
  });

  test("while its policy is left out", () => {
    const plan = planOf(WORLD, { excluded: new Map([["team-a.web", refused("TooLarge", "too large")]]) });
    expect(plan.policies.get("team-a.web")).toMatchObject({ value: null, refusal: { reason: "TooLarge" } });
    expect(plan.cluster.withheld).toEqual({ "team-a": { reviewer: expect.anything() } });
  });
});

test("a right to spawn names an Agent and grants that there are", () => {
  const spawn = [{ agent: "notifier", grants: ["chat", "gone"] }, { agent: "nobody", grants: [] }];
  const { agents } = planOf({ ...WORLD, agents: { "team-a/reviewer": { spawn }, "team-a/notifier": {} } });
  expect(agents.get("team-a/reviewer")?.missing).toEqual(["spawn[notifier].grants: CredentialGrant gone", "spawn: Agent nobody"]);
});
