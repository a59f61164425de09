import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { readEnvironment } from "../../../../common/config.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { CRD_FOLDER, installKinds } from "../../../support/kube/weir-kinds.ts";

type Fields = Record<string, unknown>;
const environment = readEnvironment();
const isRequired = environment["WEIR_TIER"] === "cluster";
const programs = isRequired ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);
let plane: ControlPlane;
beforeAll(async () => {
  if (programs === null) return;
  plane = await startControlPlane({ level: 1 });
  await installKinds(plane);
});
afterAll(async () => plane?.stop());

const PLURALS: Readonly<Record<string, string>> = { Agent: "agents", Thread: "threads", EgressPolicy: "egresspolicies", CredentialGrant: "credentialgrants", Budget: "budgets" };
const path = (kind: string, name = "") => `/apis/weir.dev/v1alpha1/namespaces/default/${PLURALS[kind]}${name === "" ? "" : `/${name}`}`;
const object = (kind: string, name: string, spec: Fields) => ({ apiVersion: "weir.dev/v1alpha1", kind, metadata: { name }, spec });
/** Names are taken once each, so that tests do not meet. */
let count = 0;
const aName = () => `x${count += 1}`;
const create = (kind: string, spec: Fields, name = aName()) => plane.call("POST", path(kind), object(kind, name, spec));
/** As `kubectl` asks it, with unknown fields refused. */
const createStrictly = (kind: string, spec: Fields) => plane.call("POST", `${path(kind)}?fieldValidation=Strict`, object(kind, aName(), spec));

const MCP = { name: "files", image: "files:1", port: 8_100 };
const VOLUME = { name: "work", mountPath: "/work" };
const GRANT = { vault: { path: "github", key: "token" }, bind: { hosts: ["api.github.com"] } };
const BUDGET = { meter: "requests", limit: 10 };
const THREAD = { agent: "reviewer", user: "ann" };
const ASK = { reason: "Charging a card needs a person.", hint: "Wait.", timeout_seconds: 3_600, scopes: ["once", "thread"] };
const policyOf = (...hosts: readonly object[]): Fields => ({ data: { hosts: hosts.map((entry) => ({ name: "a.test", ...entry })) } });
/** One entry of each reading, with values of every kind that it may have. */
const READINGS = policyOf(
  { effect: "ask", ask: ASK, json: { "/amount": { type: "number", max: 100.5 }, "/currency": { one_of: ["EUR", "1 Gi", 7, 0.5, true, null], optional: true } } },
  { mcp: { methods: ["custom/*"], tools: ["search", "read file", { name: "write_file", arguments: { path: { within: "/workspace" } }, only_these: true }], from_server: ["roots/list"] } },
  { llm: { models: ["gpt-5*"], tools: ["shell"], stream: true }, max_read_bytes: 1_000_000 },
  { graphql: { types: ["query", "mutation"], fields: ["user"] } }, { git: { access: "write", repositories: ["org/app"] } }, { grpc: ["pkg.Service/*"] },
);
const PACKS: Fields = { data: { packs: [{ pack: "github", access: "write", with: { repositories: ["org/app"] }, ask: ["github.git.push"], grants: { api: "github" } }, { pack: "pypi" }] } };

describe.skipIf(programs === null)("the API server accepts", () => {
  test.each<[string, string, Fields]>([
    ["an Agent without an image", "Agent", {}],
    ["an Agent with everything", "Agent", {
      image: "a:1", command: ["/a"], env: [{ name: "A", value: "1" }, { name: "B", secretKeyRef: { name: "s", key: "k" } }], mcpServers: [MCP, { ...MCP, name: "web", port: 8_101 }],
      volumes: [VOLUME], policies: ["web"], grants: ["github"], budgets: ["team"], spawn: [{ agent: "notifier", grants: ["chat"] }], idleTimeout: "1h30m", startTimeout: "90s",
      resources: { limits: { cpu: 2, memory: "1Gi" }, requests: { cpu: "500m" } }, scheduling: { tolerations: [{ key: "a", operator: "Exists" }], nodeSelector: { disk: "ssd" } },
      instances: { max: 5, warm: 5 },
    }],
    ["the longest idleTimeout", "Agent", { idleTimeout: "168h" }],
    ["a Thread", "Thread", THREAD],
    ["a Thread of a Thread", "Thread", { ...THREAD, parent: { name: "a", uid: "u" }, chain: ["default/reviewer/a"], grants: ["chat"] }],
    ["an EgressPolicy of data", "EgressPolicy", { data: { hosts: [{ name: "api.github.com", grants: ["github"] }], addresses: [{ cidr: "10.0.0.0/8", ports: [5432], handling: "tunnel" }], custom: { a: [1, null] } } }],
    ["an EgressPolicy of Rego", "EgressPolicy", { rego: { "hours.rego": "package weir.custom.exchange\n" } }],
    ["an empty EgressPolicy", "EgressPolicy", {}],
    ["an EgressPolicy that asks people and reads bodies", "EgressPolicy", READINGS],
    ["an EgressPolicy of packs", "EgressPolicy", PACKS],
    ["a CredentialGrant", "CredentialGrant", { ...GRANT, env: { GITHUB_TOKEN: "auto" } }],
    ["a CredentialGrant of a recipe", "CredentialGrant", { use: "brave", vault: GRANT.vault }],
    ["a CredentialGrant of several values", "CredentialGrant", { ...GRANT, vault: { path: "aws", keys: { accessKeyId: "id", secretAccessKey: "secret" } }, inject: { type: "aws-sigv4", regions: ["*"], services: ["s3"] } }],
    ["a CredentialGrant of a GitHub App", "CredentialGrant", { use: "github", githubApp: { clientId: "Iv1.a", installationId: 7, key: { vault: GRANT.vault }, repositories: ["weir"], permissions: { contents: "read" } } }],
    ["a CredentialGrant of an OAuth client", "CredentialGrant", { bind: GRANT.bind, oauth2: { tokenEndpoint: "https://login.test/token", clientId: "c", clientSecret: { kubernetesSecret: { name: "s", key: "k" } } } }],
    ["a CredentialGrant of a service account", "CredentialGrant", { use: "gcloud", bind: { hosts: ["storage.googleapis.com"] }, gcpServiceAccount: { key: { vault: GRANT.vault }, scopes: ["s"] } }],
    ["a CredentialGrant of a Secret", "CredentialGrant", { bind: GRANT.bind, kubernetesSecret: { name: "s", key: "k" } }],
    ["a CredentialGrant of a database user", "CredentialGrant", { use: "postgres", bind: { hosts: ["db.test"], databases: ["app"], users: ["agent"] }, vaultDatabase: { role: "app" } }],
    ["a CredentialGrant of the other engines", "CredentialGrant", { bind: GRANT.bind, vaultPki: { role: "agents", commonName: "{agent}.agents.test" }, inject: { type: "client-certificate" } }],
    ["a Budget", "Budget", BUDGET],
    ["a Budget of money, with everything", "Budget", {
      meter: "usd", limit: "0.000000001", window: "month", timezone: "Europe/Berlin", per: "thread", parent: "team", applies: "always", to: { agents: ["coder"], users: ["ada"] },
      thresholds: [{ percent: 80, action: "ask" }, { percent: 100 }], whenLedgerIsLost: "allow",
    }],
    ["a Thread with an allowance", "Thread", { ...THREAD, chain: ["default/lead/t"], allowance: { usd: "2.00", tokens: 100_000 }, chainAllowances: [{ usd: "5" }] }],
    ["a right to spawn with an allowance", "Agent", { spawn: [{ agent: "notifier", allowance: { usd: "0.5" } }] }],
  ])("%s", async (_, kind, spec) => {
    const { status, body } = await createStrictly(kind, spec);
    expect({ status, message: body["message"] }).toEqual({ status: 201, message: undefined });
  });
});

describe.skipIf(programs === null)("the API server refuses", () => {
  test.each<[string, string, Fields, string]>([
    ["a Budget of half a request", "Budget", { meter: "requests", limit: "0.5" }, "decimals only where the meter is usd"],
    ["a Budget of some text", "Budget", { meter: "usd", limit: "lots" }, "spec.limit"],
    ["a Budget for a namespace", "Budget", { ...BUDGET, applies: "always", to: { namespaces: ["other"] } }, "unknown field"],
    ["a threshold twice", "Budget", { ...BUDGET, thresholds: [{ percent: 50 }, { percent: 50, action: "ask" }] }, "Duplicate value"],
    ["an allowance of anything", "Thread", { ...THREAD, allowance: { wishes: 3 } }, "unknown field"],
    ["an allowance of half a token", "Thread", { ...THREAD, allowance: { tokens: 0.5 } }, "tokens"],
    ["allowances of another chain", "Thread", { ...THREAD, chain: ["default/lead/t"], chainAllowances: [] }, "an entry for each thread in chain"],
    ["a variable with value and secretKeyRef", "Agent", { env: [{ name: "A", value: "1", secretKeyRef: { name: "s", key: "k" } }] }, "exactly one of value and secretKeyRef"],
    ["a variable with neither", "Agent", { env: [{ name: "A" }] }, "exactly one of value and secretKeyRef"],
    ["a variable that begins with WEIR_", "Agent", { env: [{ name: "WEIR_CA", value: "x" }] }, "Weir's own"],
    ["such a variable of an MCP server", "Agent", { mcpServers: [{ ...MCP, env: [{ name: "WEIR_CA", value: "x" }] }] }, "Weir's own"],
    ["a variable twice", "Agent", { env: [{ name: "A", value: "1" }, { name: "A", value: "2" }] }, "Duplicate value"],
    ["an MCP server twice", "Agent", { mcpServers: [MCP, { ...MCP, port: 9_000 }] }, "Duplicate value"],
    ["two MCP servers on one port", "Agent", { mcpServers: [MCP, { ...MCP, name: "web" }] }, "a port of its own"],
    ["an MCP server named agent", "Agent", { mcpServers: [{ ...MCP, name: "agent" }] }, "containers of Weir itself"],
    ["an MCP server named weir-init", "Agent", { mcpServers: [{ ...MCP, name: "weir-init" }] }, "containers of Weir itself"],
    ["an MCP server named weir-sidecar", "Agent", { mcpServers: [{ ...MCP, name: "weir-sidecar" }] }, "containers of Weir itself"],
    ["an MCP server with a dot in its name", "Agent", { mcpServers: [{ ...MCP, name: "a.b" }] }, "should match"],
    ["a volume twice", "Agent", { volumes: [VOLUME, { ...VOLUME, mountPath: "/b" }] }, "Duplicate value"],
    ["two volumes at one place", "Agent", { volumes: [VOLUME, { ...VOLUME, name: "b" }] }, "a mountPath of its own"],
    ["a volume over the trust bundle", "Agent", { volumes: [{ ...VOLUME, mountPath: "/weir/trust" }] }, "may not cover"],
    ["a volume under a name of Weir's", "Agent", { volumes: [{ ...VOLUME, name: "weir-identity" }] }, "Weir's own"],
    ["a policy twice", "Agent", { policies: ["a", "a"] }, "Duplicate value"],
    ["an idleTimeout that is none", "Agent", { idleTimeout: "soon" }, "should match"],
    ["an idleTimeout below ten seconds", "Agent", { idleTimeout: "9s" }, "from 10s to 168h"],
    ["an idleTimeout above a week", "Agent", { idleTimeout: "169h" }, "from 10s to 168h"],
    ["more warm instances than instances", "Agent", { instances: { max: 1, warm: 2 } }, "warm cannot be more than max"],
    ["an amount that is none", "Agent", { resources: { limits: { memory: "much" } } }, "should match"],
    ["a field that there is not", "Agent", { polices: ["a"] }, "unknown field"],
    ["a Thread without an agent", "Thread", { user: "ann" }, "agent: Required"],
    ["a Thread of an agent with a dot", "Thread", { ...THREAD, agent: "a.b" }, "should match"],
    ["a grant twice in a Thread", "Thread", { ...THREAD, grants: ["a", "a"] }, "Duplicate value"],
    ["a host entry without a name", "EgressPolicy", { data: { hosts: [{ ports: [443] }] } }, "name: Required"],
    ["a host entry with a port that is none", "EgressPolicy", { data: { hosts: [{ name: "a.test", ports: [0] }] } }, "should be greater than"],
    ["an entry with an effect that there is not", "EgressPolicy", policyOf({ effect: "perhaps" }), "effect: Unsupported value"],
    ["an entry that asks and does not say what", "EgressPolicy", policyOf({ effect: "ask" }), "ask says what a person is asked"],
    ["a question in an entry that allows", "EgressPolicy", policyOf({ ask: ASK }), "ask says what a person is asked"],
    ["a question without a reason", "EgressPolicy", policyOf({ effect: "ask", ask: { hint: "Wait." } }), "ask.reason: Required"],
    ["a question that waits for a day", "EgressPolicy", policyOf({ effect: "ask", ask: { ...ASK, timeout_seconds: 86_400 } }), "less than or equal to 3600"],
    ["a yes for ever", "EgressPolicy", policyOf({ effect: "ask", ask: { ...ASK, scopes: ["forever"] } }), "Unsupported value"],
    ["a body that is read without a limit", "EgressPolicy", policyOf({ json: {}, max_read_bytes: 1 << 30 }), "less than or equal to 16777216"],
    ["a largest number that is a text", "EgressPolicy", policyOf({ json: { "/amount": { max: "100" } } }), "must be of type number"],
    ["a value of a type that JSON has not", "EgressPolicy", policyOf({ json: { "/amount": { type: "money" } } }), "Unsupported value"],
    ["tools that are no list", "EgressPolicy", policyOf({ mcp: { tools: "search" } }), "must be of type array"],
    ["models that are no texts", "EgressPolicy", policyOf({ llm: { models: [5] } }), "must be of type string"],
    ["an operation that GraphQL has not", "EgressPolicy", policyOf({ graphql: { types: ["delete"] } }), "Unsupported value"],
    ["an access that Git has not", "EgressPolicy", policyOf({ git: { access: "admin" } }), "Unsupported value"],
    ["a method of gRPC without its service", "EgressPolicy", policyOf({ grpc: ["Do"] }), "should match"],
    ["a pack by its name alone", "EgressPolicy", { data: { packs: ["github"] } }, "must be of type object"],
    ["a Rego file with a path", "EgressPolicy", { rego: { "../a.rego": "" } }, "file names such as"],
    ["a CredentialGrant without hosts", "CredentialGrant", { ...GRANT, bind: { hosts: [] } }, "at least 1 items"],
    ["a CredentialGrant without a source", "CredentialGrant", { bind: GRANT.bind }, "exactly one of vault"],
    ["a CredentialGrant with two sources", "CredentialGrant", { ...GRANT, vaultAws: { role: "s3" } }, "exactly one of vault"],
    ["a CredentialGrant without hosts or a recipe", "CredentialGrant", { vault: GRANT.vault }, "bind.hosts says where"],
    ["a secret with a key and keys", "CredentialGrant", { ...GRANT, vault: { ...GRANT.vault, keys: { username: "u" } } }, "exactly one of key and keys"],
    ["a key of no source", "CredentialGrant", { bind: GRANT.bind, gcpServiceAccount: { key: {}, scopes: ["s"] } }, "exactly one of vault and kubernetesSecret"],
    ["a file as a source", "CredentialGrant", { bind: GRANT.bind, file: { path: "/etc/passwd" } }, "unknown field"],
    ["a role behind another's prefix", "CredentialGrant", { bind: GRANT.bind, vaultDatabase: { role: "x.y" } }, "should match"],
    ["a GitHub App with every permission", "CredentialGrant", { use: "github", githubApp: { clientId: "a", installationId: 7, key: { vault: GRANT.vault }, repositories: ["weir"], permissions: {} } }, "permissions of GitHub"],
    ["an endpoint over http", "CredentialGrant", { bind: GRANT.bind, oauth2: { tokenEndpoint: "http://login.test/token", clientId: "c", clientSecret: { vault: GRANT.vault } } }, "should match"],
    ["a dummy for a variable of Weir's", "CredentialGrant", { ...GRANT, env: { WEIR_X: "auto" } }, "Weir's own"],
    ["a Budget of another meter", "Budget", { ...BUDGET, meter: "cows" }, "Unsupported value"],
    ["a Budget below zero", "Budget", { ...BUDGET, limit: -1 }, "must not be negative"],
    ["a Budget without a spec", "Budget", undefined as unknown as Fields, "spec: Required"],
  ])("%s", async (_, kind, spec, message) => {
    const { status, body } = await createStrictly(kind, spec);
    expect(status, JSON.stringify(body)).toBeGreaterThanOrEqual(400);
    expect(body["message"]).toContain(message);
  });

  test.each<[string, Fields]>([["Agent", {}], ["Thread", THREAD], ["EgressPolicy", {}], ["CredentialGrant", GRANT], ["Budget", BUDGET]])("a %s with a dot or 64 letters in its name", async (kind, spec) => {
    for (const name of ["a.b", "a".repeat(64)]) expect((await create(kind, spec, name)).body["message"]).toContain("must be a DNS label");
    expect((await create(kind, spec, `b${"a".repeat(62)}`)).status).toBe(201);
  });
});

describe.skipIf(programs === null)("a change", () => {
  const changed = async (kind: string, before: Fields, change: Fields) => {
    const name = aName();
    expect((await create(kind, before, name)).status).toBe(201);
    return plane.call("PATCH", path(kind, name), { spec: change });
  };

  test.each<[string, Fields, string]>([
    ["agent", { agent: "other" }, "agent is fixed"],
    ["user", { user: "bob" }, "user is fixed"],
    ["parent", { parent: { name: "a", uid: "u" } }, "parent is fixed"],
    ["chain", { chain: ["default/a/b"] }, "chain is fixed"],
    ["grants", { grants: ["a"] }, "grants is fixed"],
    ["allowance", { allowance: { usd: "9" } }, "allowance is fixed"],
    ["stopRequestedAt to an earlier time", { stopRequestedAt: "2030-01-01T00:00:00Z" }, "does not go back"],
  ])("of a Thread's %s is refused", async (_, change, message) => {
    const { status, body } = await changed("Thread", { ...THREAD, stopRequestedAt: "2030-01-01T00:00:01Z" }, change);
    expect([status, body["message"]]).toEqual([422, expect.stringContaining(message)]);
  });

  test("of a Thread's grants to none at all is refused", async () => {
    expect((await changed("Thread", { ...THREAD, grants: ["a"] }, { grants: null })).status).toBe(422);
  });

  test("of title, paused and stopRequestedAt is accepted", async () => {
    const { status } = await changed("Thread", { ...THREAD, stopRequestedAt: "2030-01-01T00:00:00Z" }, { title: "t", paused: true, stopRequestedAt: "2030-01-01T00:00:01+00:00" });
    expect(status).toBe(200);
  });

  test("of an Agent's image is accepted, its removal is not", async () => {
    expect((await changed("Agent", { image: "a:1" }, { image: "a:2" })).status).toBe(200);
    expect(await changed("Agent", { image: "a:1" }, { image: null })).toMatchObject({ status: 422, body: { message: expect.stringContaining("image cannot be removed") } });
  });
});

describe.skipIf(programs === null)("an object", () => {
  test("gets the defaults that the programs assume", async () => {
    const { body } = await create("Agent", { volumes: [VOLUME] });
    expect(body["spec"]).toMatchObject({
      idleTimeout: "5m", startTimeout: "2m", instances: { max: 100, warm: 0 }, trust: { mountSystemBundle: true }, policies: [], volumes: [{ size: "1Gi", accessMode: "ReadWriteOnce", retention: "Delete" }],
    });
    expect(body["status"]).toBeUndefined();
  });

  test("keeps its policy entries as they are written, with fields that nobody knows, so that they can be reported", async () => {
    const { body } = await create("EgressPolicy", { data: { hosts: [{ name: "a.test", agents: ["default/a"] }] } });
    expect(body["spec"]).toMatchObject({ data: { hosts: [{ name: "a.test", agents: ["default/a"] }] } });
    expect(Object.keys((body["spec"] as { data: { hosts: object[] } }).data.hosts[0]!)).toEqual(["agents", "name"]);
  });

  test("keeps what a reading says, as it is written: values of every kind, and a limit that is misspelt, which would silently be none", async () => {
    const spec = policyOf({ effect: "ask", ask: { reason: "r", timout_seconds: 5 }, json: { "/amount": { type: "number", maxx: 100 } } });
    for (const written of [READINGS, PACKS, spec]) expect((await create("EgressPolicy", written)).body["spec"]).toMatchObject(written);
  });

  test("is shown in columns", async () => {
    await create("Thread", THREAD, "shown");
    const table = await plane.kubectl(["get", "wth", "--output=wide"]);
    expect(table.split("\n")[0]?.split(/\s+/).filter(Boolean)).toEqual(["NAME", "AGENT", "PHASE", "UNREAD", "SPENT", "LAST-ACTIVITY", "INSTANCE", "USER", "AGE"]);
    expect((await plane.kubectl(["get", "wag"])).split("\n")[0]?.split(/\s+/).filter(Boolean)).toEqual(["NAME", "READY", "REASON", "INSTANCES", "THREADS", "AGE"]);
    expect(await plane.kubectl(["get", "threads", "--field-selector=spec.agent=reviewer", "--output=name"])).toContain("thread.weir.dev/shown");
    expect(await plane.kubectl(["get", "threads", "--field-selector=spec.agent=other", "--output=name"])).toBe("");
    for (const name of ["wep", "wcg", "wbu"]) expect(await plane.kubectl(["get", name])).toContain("AGE");
    expect(await plane.kubectl(["get", "weir", "--output=name"])).toContain("thread.weir.dev/shown");
    expect(await plane.kubectl(["explain", "egresspolicy.spec.data.hosts.handling"])).toContain("tunnel");
  });
});

describe.skipIf(programs === null)("a new version of the definitions", () => {
  test("keeps the objects, and an older object that it would not accept stays readable and changeable elsewhere", async () => {
    await create("Budget", { ...BUDGET, limit: 5 }, "kept");
    const definition = parse(await readFile(join(CRD_FOLDER, "budgets.yaml"), "utf8")) as { spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: Fields } } } } }[] } };
    const properties = definition.spec.versions[0]!.schema.openAPIV3Schema.properties.spec.properties;
    (properties["limit"] as Fields)["minimum"] = 6;
    properties["note"] = { type: "string", default: "new" };
    await plane.kubectl(["apply", "--server-side", "--filename=-"], stringify(definition));
    const upgraded = async () => (await plane.call("GET", path("Budget", "kept"))).body["spec"];
    await expect.poll(upgraded, { timeout: 10_000 }).toMatchObject({ limit: 5, note: "new" });
    expect((await plane.call("PATCH", path("Budget", "kept"), { metadata: { labels: { a: "b" } } })).status).toBe(200);
    await installKinds(plane);
    await expect.poll(upgraded, { timeout: 10_000 }).toEqual({ ...BUDGET, limit: 5, window: "day" });
  });
});
