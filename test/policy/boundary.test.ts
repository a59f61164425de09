import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test, type TestContext } from "vitest";
import { boundarySet } from "../../common/boundary-set.ts";
import { RegoBuilder } from "../../controller/boundary/build.ts";
import { compileBoundary, type CompiledBoundary, type Compiler } from "../../controller/boundary/compile-boundary.ts";
import { RegoChecks } from "../../controller/boundary/rego-checks.ts";
import { compileClusterRego } from "../../proxy/policy/compile-cluster.ts";
import { policyConfig } from "../../proxy/policy/config.ts";
import { A_GRANT, resourcesOf, settings, type World } from "../support/boundary-resources.ts";
import { compiler } from "./compiler.ts";
import { anEngine, asks } from "./engines.ts";
import { aFolder } from "./folders.ts";
import { anExchange } from "./questions.ts";

const signal = new AbortController().signal;
const of = (namespace: string, name: string, host = "api.example.com") => anExchange({ agent: { namespace, name }, connection: { name: host } });

function compile(context: TestContext, world: World, differences: Partial<Compiler> & { readonly config?: object } = {}): Promise<CompiledBoundary> {
  const opa = compiler(context);
  const { config, ...more } = differences;
  return compileBoundary(resourcesOf(world), { checks: new RegoChecks(opa), builder: new RegoBuilder(opa), settings: settings(config), ...more }, signal);
}

/** The boundary in force in an engine, as a node proxy has it. */
async function engineOf({ packed }: CompiledBoundary) {
  const bundle = join(await aFolder({ "boundary.tar.gz": packed.bundle }), "boundary.tar.gz");
  return anEngine(policyConfig.parse({ bundle, deadlineMs: 2_000 }));
}

const refusalsOf = ({ plan }: CompiledBoundary) => Object.fromEntries([...plan.policies].map(([id, { refusal }]) => [id, refusal?.reason ?? "in force"]));
const allows = (host: string, fields: object = {}) => ({ data: { hosts: [{ name: host, ...fields }] } });
const rego = (rule: string) => ({ rego: { "mine.rego": `package weir.custom.exchange\n\n${rule}\n` } });

const WORLD = {
  agents: {
    "team-a/reviewer": { policies: ["web"], grants: ["github"], mcpServers: [{ name: "files", image: "f:1", port: 8_100, policies: ["files"] }] },
    "team-b/reviewer": { policies: ["web"] },
  },
  policies: { "team-a/web": allows("api.example.com", { grants: ["github"] }), "team-a/files": allows("files.example.com"), "team-b/web": rego('deny contains {"rule": "b.never", "reason": "never", "hint": ""}') },
  grants: { "team-a/github": A_GRANT },
};

describe("the boundary of a cluster, in force", () => {
  test("allows each agent and each container what its own policies say, and refuses the same to all others", async (context) => {
    const engine = await engineOf(await compile(context, WORLD));
    expect(await asks(engine, "exchange", of("team-a", "reviewer"))).toMatchObject({ kind: "allow", rule: "web/hosts.api.example.com", grants: ["team-a.github"] });
    expect(await asks(engine, "exchange", of("team-a", "reviewer.files"))).toMatchObject({ kind: "deny", rule: "hosts.default" });
    expect(await asks(engine, "exchange", of("team-a", "reviewer.files", "files.example.com"))).toMatchObject({ kind: "allow" });
    expect(await asks(engine, "exchange", of("team-a", "reviewer", "files.example.com"))).toMatchObject({ kind: "deny" });
    expect(await asks(engine, "exchange", of("team-b", "reviewer"))).toMatchObject({ kind: "deny", rule: "b.never" });
  });

  test("leads every agent to the controller at the paths for instances, and to nothing else of it", async (context) => {
    const engine = await engineOf(await compile(context, { ...WORLD, policies: {} }));
    const at = (path: string[]) => anExchange({ agent: { namespace: "team-a", name: "reviewer" }, connection: { name: "weir.internal" }, request: { method: "POST", path } });
    expect(await asks(engine, "exchange", at(["v1", "instance", "messages"]))).toMatchObject({ kind: "allow", rule: "weir.internal", grants: ["weir.internal"] });
    expect(await asks(engine, "exchange", at(["v1", "namespaces", "team-b", "threads"]))).toMatchObject({ kind: "deny" });
    expect(await asks(engine, "exchange", of("team-a", "reviewer"))).toMatchObject({ kind: "deny", rule: "policy.withheld" });
  });

  test("comes with a document that the node proxies take, under a revision of its own", async (context) => {
    const { packed } = await compile(context, WORLD);
    const set = boundarySet.parse(JSON.parse(gunzipSync(packed.set).toString()));
    expect(set.revision).toBe(packed.revision);
    expect(packed.revision.startsWith(packed.bundleRevision)).toBe(true);
    const other = await compile(context, { ...WORLD, grants: { "team-a/github": { ...A_GRANT, vault: { path: "other", key: "token" } } } });
    expect(other.packed.bundleRevision).toBe(packed.bundleRevision);
    expect(other.packed.revision).not.toBe(packed.revision);
  });

  test("is the same bytes for the same cluster", async (context) => {
    const [one, two] = [await compile(context, WORLD), await compile(context, WORLD)];
    expect(one.packed.bundle.equals(two.packed.bundle) && one.packed.set.equals(two.packed.set)).toBe(true);
  });
});

describe("one tenant's trouble", () => {
  test("with Rego is said by file and line, and holds up nobody else", async (context) => {
    const compiled = await compile(context, { ...WORLD, policies: { ...WORLD.policies, "team-b/web": rego("deny contains \"no\" if input.agent.nmae") } });
    expect(refusalsOf(compiled)).toEqual({ "team-a.files": "in force", "team-a.web": "in force", "team-b.web": "InvalidRego" });
    expect(compiled.plan.policies.get("team-b.web")?.problems).toEqual([{ file: "mine.rego", line: 3, message: expect.stringContaining("undefined ref: input.agent.nmae") }]);
    const engine = await engineOf(compiled);
    expect(await asks(engine, "exchange", of("team-a", "reviewer"))).toMatchObject({ kind: "allow" });
    expect(await asks(engine, "exchange", of("team-b", "reviewer"))).toMatchObject({ kind: "deny", rule: "policy.withheld" });
  });

  test("that shows only when everything is built leaves out the one that cannot be built alone", async (context) => {
    const opa = compiler(context);
    const failing = new RegoBuilder(opa, async (sources, found) => {
      if ([...sources.keys()].some((path) => path.includes("team-b"))) throw new Error("too deep");
      return compileClusterRego(sources, found);
    });
    const world = { ...WORLD, policies: { ...WORLD.policies, "team-a/web": { ...WORLD.policies["team-a/web"], ...rego('deny contains {"rule": "a", "reason": "a", "hint": ""} if input.request.method == "PUT"') } } };
    const compiled = await compile(context, world, { builder: failing });
    expect(refusalsOf(compiled)).toEqual({ "team-a.files": "in force", "team-a.web": "in force", "team-b.web": "BuildFailed" });
    expect(await asks(await engineOf(compiled), "exchange", of("team-a", "reviewer"))).toMatchObject({ kind: "allow" });
  });

  test("that is of all together leaves out one namespace, and nobody with data alone", async (context) => {
    const builder = new RegoBuilder(compiler(context), async (sources, opa) => {
      if (sources.size > 2) throw new Error("too many");
      return compileClusterRego(sources, opa);
    });
    const compiled = await compile(context, { ...WORLD, policies: { ...WORLD.policies, "team-c/web": rego('deny contains "never" if input.version == 2') } }, { builder });
    const { "team-b.web": b, "team-c.web": c, ...others } = refusalsOf(compiled);
    expect(new Set([b, c])).toEqual(new Set(["BuildFailed", "in force"]));
    expect(others).toEqual({ "team-a.files": "in force", "team-a.web": "in force" });
  });
});

describe("room", () => {
  /** Text that does not compress. */
  const bulky = (bytes: number) => ({ data: { custom: { text: randomBytes(bytes).toString("base64") } } });

  test("of a namespace is its own: one that wants more is left out", async (context) => {
    const compiled = await compile(context, { ...WORLD, policies: { ...WORLD.policies, "team-b/web": bulky(20_000) } }, { config: { namespaceLimitBytes: 10_000 } });
    expect(refusalsOf(compiled)).toMatchObject({ "team-a.web": "in force", "team-b.web": "TooLarge" });
  });

  test("of the ConfigMap is not taken by one namespace: what is revoked elsewhere is revoked", async (context) => {
    const world = { ...WORLD, policies: { ...WORLD.policies, "team-b/web": bulky(100_000), "team-b/more": {}, "team-c/web": bulky(1_000) } };
    const compiled = await compile(context, world, { limitBytes: 200_000 });
    expect(refusalsOf(compiled)).toEqual({ "team-a.files": "in force", "team-a.web": "in force", "team-b.more": "TooLarge", "team-b.web": "TooLarge", "team-c.web": "in force" });
    expect(compiled.packed.bundle.byteLength + compiled.packed.set.byteLength).toBeLessThan(200_000);
  });

  test("that agents alone have filled is given back by the namespace that took most of it, so that others go on", async (context) => {
    const { packed: { bundle, set } } = await compile(context, WORLD);
    const many = Object.fromEntries(Array.from({ length: 400 }, () => [`team-b/${randomBytes(24).toString("hex")}`, { policies: ["web"] }]));
    const world = { ...WORLD, agents: { ...WORLD.agents, ...many } };
    const compiled = await compile(context, world, { limitBytes: bundle.byteLength + set.byteLength + 1_000, config: { namespaceLimitBytes: 1 << 20 } });
    expect(Object.keys(compiled.plan.set.agents)).toEqual(["team-a/reviewer", "team-a/reviewer.files"]);
    expect(compiled.resources.agents.find(({ key }) => key === "team-b/reviewer")?.reading).toMatchObject({ isReadable: false, reason: "TooLarge" });
    expect(await asks(await engineOf(compiled), "exchange", of("team-a", "reviewer"))).toMatchObject({ kind: "allow" });
  });

  test("that there is none of at all is an error", async (context) => {
    await expect(compile(context, WORLD, { limitBytes: 1_000 })).rejects.toThrow(/without any namespace/);
  });
});

describe("Rego that fills any machine", () => {
  const doubling = ["p0 := [1, 1]", ...Array.from({ length: 25 }, (_, index) => `p${index + 1} := [p${index}, p${index}]`), 'deny contains {"rule": "x"} if p25 == p24'];

  test("is given up in time, costs its own policy, and holds up nobody else", async (context) => {
    const begunMs = performance.now();
    const compiled = await compile(context, { ...WORLD, policies: { ...WORLD.policies, "team-b/web": rego(doubling.join("\n")) } });
    expect(refusalsOf(compiled)).toEqual({ "team-a.files": "in force", "team-a.web": "in force", "team-b.web": "InvalidRego" });
    expect(compiled.plan.policies.get("team-b.web")?.problems).toEqual([{ file: "rego", message: expect.stringMatching(/^could not be compiled: opa check takes more than/) }]);
    expect(performance.now() - begunMs).toBeLessThan(80_000);
  }, 90_000);
});

test("data alone needs no compiler, and does not ask one", async () => {
  const { policies: { "team-b/web": _, ...policies }, ...world } = WORLD;
  const compiled = await compileBoundary(resourcesOf({ ...world, policies }), { checks: new RegoChecks(null), builder: new RegoBuilder(null), settings: settings() }, signal);
  expect(await asks(await engineOf(compiled), "exchange", of("team-a", "reviewer"))).toMatchObject({ kind: "allow" });
});
