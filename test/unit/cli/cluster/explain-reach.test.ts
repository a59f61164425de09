import { beforeAll, describe, expect, test } from "vitest";
import { explainReach, type Reach } from "../../../../cli/cluster/explain-reach.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { aBoundary } from "../../../support/boundaries.ts";
import { aCluster, aCondition, type SeenCluster } from "../../../support/seen-cluster.ts";

const HOSTS = [
  { name: "api.github.com", rule: "github.read", methods: ["GET"], grants: ["team.github"] },
  { name: "db.example", rule: "db", ports: [5432], handling: "tunnel" },
  { name: "pg.example", rule: "pg", ports: [5432], handling: "postgres", databases: ["app"], grants: ["team.github"] },
  { name: "plain.example", rule: "plain", ports: [8080], schemes: ["http"] },
];
let cluster: SeenCluster;

beforeAll(async () => {
  cluster = aCluster();
  const boundary = await aBoundary({
    revision: "r7", hosts: HOSTS,
    agents: {
      "team/reviewer": { grants: ["team.github"], budgets: ["team.daily"] }, "team/reviewer.files": { grants: [], budgets: [] }, "team/poor": { grants: [], budgets: [] },
    },
  });
  await cluster.add(TYPES.configMaps, "weir-boundary", boundary, "weir-system");
  await cluster.add(TYPES.agents, "reviewer", { spec: {}, status: { conditions: [aCondition("Ready", "True")] } });
  await cluster.add(TYPES.agents, "broken", { spec: {}, status: { conditions: [aCondition("Ready", "False", "RefNotFound", "not found: p")] } });
});

const reach = async (url: string, over: Partial<Reach> = {}) =>
  explainReach(cluster, { agent: "reviewer", container: undefined, url, method: undefined, narrowedTo: undefined, ...over });

describe("whether an agent may reach a URL", () => {
  test("is what the published boundary says, with what it lends and charges", async () => {
    expect(await reach("https://api.github.com/user")).toMatchObject({
      agent: "team/reviewer", request: "GET https://api.github.com/user", revision: "r7", isAllowed: true, rule: "github.read", grants: ["team.github"], budgets: ["team.daily"], conditions: [],
      steps: ["allow (name) by rule names.default", "allow (connection) by rule github.read", "allow (exchange) by rule github.read"],
    });
  });

  test("is asked by database for sessions", async () => {
    expect(await reach("postgres://pg.example/app")).toMatchObject({ isAllowed: true, rule: "pg", grants: ["team.github"], request: "a connection to pg.example port 5432" });
    expect(await reach("postgres://pg.example/payroll")).toMatchObject({ isAllowed: false, rule: "pg", reason: "database payroll as user agent is not allowed at pg.example" });
    expect(await reach("postgres://pg.example/app", { agent: "poor" })).toMatchObject({ isAllowed: false, rule: "grants.not-held" });
  });

  test("is asked by method, scheme, port and protocol", async () => {
    expect(await reach("https://api.github.com/user", { method: "POST" })).toMatchObject({ isAllowed: false, rule: "github.read", reason: expect.stringContaining("POST") });
    expect(await reach("https://other.example/")).toMatchObject({ isAllowed: false, grants: [], budgets: [] });
    expect(await reach("http://plain.example:8080/")).toMatchObject({ isAllowed: true, rule: "plain" });
    expect(await reach("tcp://db.example:5432")).toMatchObject({ isAllowed: true, rule: "db", request: "a connection to db.example port 5432" });
    expect(await reach("tcp://db.example:5433")).toMatchObject({ isAllowed: false });
    expect(await reach("https://[2001:db8::1]/")).toMatchObject({ isAllowed: false });
  });

  test("is refused where policy would lend what the agent, its server or its thread does not hold", async () => {
    const refused = { isAllowed: false, rule: "grants.not-held", hint: expect.stringContaining("team.github") };
    expect(await reach("https://api.github.com/user", { agent: "poor" })).toMatchObject(refused);
    expect(await reach("https://api.github.com/user", { container: "files" })).toMatchObject({ ...refused, agent: "team/reviewer.files" });
    expect(await reach("https://api.github.com/user", { narrowedTo: [] })).toMatchObject(refused);
    expect(await reach("https://api.github.com/user", { narrowedTo: ["github"] })).toMatchObject({ isAllowed: true });
  });

  test("is no for an agent that is not in the boundary, with what it says of itself", async () => {
    expect(await reach("https://api.github.com/user", { agent: "broken" })).toMatchObject({
      isAllowed: false, rule: "agents.unknown", reason: "the Agent is not, or not yet, part of the boundary", conditions: [{ type: "Ready", message: "not found: p" }],
    });
    expect(await reach("https://api.github.com/user", { agent: "nobody" })).toMatchObject({ isAllowed: false, rule: "agents.unknown", reason: "there is no such Agent" });
  });

  test.each(["nonsense", "ftp://files.example/", "https://"])("is not asked about %s", async (url) => {
    await expect(reach(url)).rejects.toMatchObject({ exitCode: 2, hint: expect.stringContaining("tcp://HOST:PORT") });
  });

  test("cannot be asked without a boundary, or with one that cannot be read", async () => {
    const empty = aCluster();
    const ask = async () => explainReach(empty, { agent: "a", container: undefined, url: "https://a.example/", method: undefined, narrowedTo: undefined });
    await expect(ask()).rejects.toMatchObject({ exitCode: 69, message: expect.stringContaining("proxies refuse everything") });
    await empty.add(TYPES.configMaps, "weir-boundary", { binaryData: {} }, "weir-system");
    await expect(ask()).rejects.toMatchObject({ name: "UserError", message: expect.stringContaining("cannot be read") });
  });
});
