import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../common/clock.ts";
import { openInformer } from "../../common/kube/informer.ts";
import type { KubeObject, ResourceType } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { silentLog } from "../../common/log.ts";
import { boundaryConfig } from "../../controller/boundary/config.ts";
import { BoundaryKeeper } from "../../controller/boundary/keep-boundary.ts";
import { startApi, tokenFor, type ApiStand } from "../support/api/api-stand.ts";
import { ClusterStand, type Caller } from "../support/cluster-stand.ts";
import { aPod } from "../support/governed-pods.ts";
import { MemoryTokens } from "../support/memory-tokens.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";
import { eventually, exchangesOf } from "../support/whole-proxy.ts";

/** The controller's own code on one side, the node proxy's own code on the other, and between them what they really say to each other. */

const TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
const NODE = "node-1";
/** As long as Kubernetes lets a name be. */
const longest = (first: string) => first.padEnd(62, "-x").concat("z").slice(0, 63);
const NAMES = {
  namespace: longest("ns"), agent: longest("agent"), server: longest("server"), policy: longest("policy"), grant: longest("grant"), budget: longest("budget"), thread: longest("thread"),
};
const HOST = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.example.test`;

let authority: TestAuthority;
let upstream: UpstreamServer;
let controller: ApiStand;
let tokens: MemoryTokens;
let stand: ClusterStand;
let keeper: BoundaryKeeper;
const stop = new AbortController();

beforeAll(async () => {
  authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([HOST]));
});
afterAll(async () => {
  stop.abort();
  await upstream.close();
});

beforeEach(async () => {
  controller = await startApi({ tls: await authority.leaf(["weir.internal"]) });
  const { cluster } = controller;
  const ofPeople = cluster.answers.get(TOKEN_REVIEWS);
  tokens = await MemoryTokens.of(cluster);
  const ofPods = cluster.answers.get(TOKEN_REVIEWS);
  cluster.answers.set(TOKEN_REVIEWS, (body) => ((body as { spec: { audiences?: string[] } }).spec.audiences?.[0] === "weir-proxy" ? ofPods : ofPeople)?.(body));
  stand = await ClusterStand.start({
    api: cluster, authority, routes: [{ name: HOST, port: 443, dialPort: upstream.port }], cluster: { nodeName: NODE },
    config: { credentials: { vault: { address: "http://127.0.0.1:9", tokenFile: "/nowhere" } } },
  });
  writeFileSync(join(stand.directory, "controller-token"), tokenFor(`proxy-on-${NODE}`));
  keeper = await aKeeper();
});
afterEach(async () => {
  await stand.stop();
  await controller.close();
});

async function aKeeper(): Promise<BoundaryKeeper> {
  const informer = (type: ResourceType) => openInformer(controller.cluster, type, {}, { log: silentLog });
  const informers = {
    agents: informer(TYPES.agents), egressPolicies: informer(TYPES.egressPolicies), credentialGrants: informer(TYPES.credentialGrants), budgets: informer(TYPES.budgets),
  };
  for (const each of Object.values(informers)) void each.run(stop.signal);
  await Promise.all(Object.values(informers).map(async (each) => each.synced(stop.signal)));
  const platform = { address: "127.0.0.1", port: controller.api.port };
  return new BoundaryKeeper({
    api: controller.cluster, informers, platform, config: boundaryConfig.parse({}), opa: null, log: silentLog, clock: systemClock, namespace: "weir-system",
  });
}

const add = async (type: ResourceType, name: string, spec: object): Promise<KubeObject> => {
  const apiVersion = `${type.group}/${type.version}`;
  return controller.cluster.create(type, { apiVersion, kind: type.kind, metadata: { name, namespace: NAMES.namespace, generation: 1 }, spec });
};

/** One pass of the controller, and the proxy has taken what came of it. */
async function publish(): Promise<void> {
  let revision: string | null = null;
  await eventually("the controller has seen it all", async () => {
    const report = await keeper.pass(stop.signal);
    revision = report.revision;
    return !report.wasPublished && report.statusWrites === 0;
  });
  await eventually("the proxy has taken it", async () => (await stand.metrics()).includes(`weir_boundary_info{revision="${String(revision)}"}`));
}

/** An Agent with one server of tools, each with rights of its own, all names as long as they can be. */
async function theWorld(): Promise<void> {
  const { policy, grant, budget, agent, server } = NAMES;
  await add(TYPES.credentialGrants, grant, { vault: { path: "github", key: "token" }, bind: { hosts: [HOST] } });
  await add(TYPES.budgets, budget, { meter: "requests", limit: 2 });
  const hosts = [{ name: HOST, methods: ["GET"], paths: ["/lent"], grants: [grant] }, { name: HOST, methods: ["GET"], paths: ["/"] }];
  await add(TYPES.egressPolicies, policy, { data: { hosts } });
  await add(TYPES.agents, agent, {
    image: "agent:1", policies: [policy], grants: [grant], budgets: [budget], mcpServers: [{ name: server, image: "server:1", port: 8_100, policies: [policy] }],
  });
}

async function aCaller(annotations: Record<string, unknown> = {}): Promise<Caller & { readonly pod: KubeObject }> {
  const { namespace, agent, thread, server } = NAMES;
  await controller.cluster.create(TYPES.threads, { metadata: { name: thread, namespace }, spec: { agent, user: "alice", chain: [] } });
  const served = await controller.cluster.get(TYPES.threads, { namespace, name: thread });
  const wished = aPod({
    namespace, node: NODE, ips: ["127.0.0.2"],
    labels: { "weir.dev/agent": agent, "weir.dev/thread": thread }, annotations: { identities: { [server]: 64_100 }, ...annotations },
    containers: [{ name: "agent" }, { name: server, securityContext: { runAsUser: 64_100 } }],
  });
  const uid = served?.metadata.uid ?? "";
  await controller.store.ensureThread({ uid, namespace, name: thread, agent, owner: "user:alice", parentUid: null }, Date.now());
  const ownerReferences = [{ apiVersion: "weir.dev/v1alpha1", kind: "Thread", name: thread, uid }];
  const pod = await controller.cluster.create(TYPES.pods, { ...wished, metadata: { ...wished.metadata, ownerReferences } });
  return { token: await tokens.for(pod), address: "127.0.0.2", pod };
}

const answerOf = ({ status, body }: { readonly status: number; readonly body: string }) => [status, JSON.parse(body)] as [number, Record<string, unknown>];

describe("what the controller publishes", () => {
  test("is taken by the proxy as a whole, with the longest names that Kubernetes takes", async () => {
    await theWorld();
    await publish();
    expect(await stand.metrics()).toMatch(/^weir_boundary_trouble 0$/m);
    expect(await stand.metrics()).toMatch(/^weir_boundary_agents 2$/m);
    const caller = await aCaller();
    expect((await stand.ask(caller, "GET", `https://${HOST}/`)).status).toBe(200);
    expect((await stand.ask({ ...caller, container: NAMES.server }, "GET", `https://${HOST}/`)).status).toBe(200);
    expect(exchangesOf(stand.records, "decided").map(({ agent }) => agent?.name)).toEqual([NAMES.agent, `${NAMES.agent}.${NAMES.server}`]);
  });

  test("charges the agent to its budget, and not the server of tools beside it", async () => {
    await theWorld();
    await publish();
    const caller = await aCaller();
    const server = { ...caller, container: NAMES.server };
    const statuses = [];
    for (const who of [caller, server, caller, caller, server]) statuses.push((await stand.ask(who, "GET", `https://${HOST}/`)).status);
    expect(statuses).toEqual([200, 200, 200, 402, 200]);
  });

  test("lends a grant to the agent, whose secret store is not there, and to the server of tools it does not", async () => {
    await theWorld();
    await publish();
    const caller = await aCaller();
    expect(answerOf(await stand.ask(caller, "GET", `https://${HOST}/lent`))).toMatchObject([503, { error: "credential.unavailable" }]);
    const refused = await stand.ask({ ...caller, container: NAMES.server }, "GET", `https://${HOST}/lent`);
    expect(answerOf(refused)).toMatchObject([403, { rule: "grants.not-held", reason: expect.stringContaining(`${NAMES.namespace}.${NAMES.grant}`) as string }]);
  });

  test("is narrowed by the thread's grants, which take nothing of the way to the controller", async () => {
    await theWorld();
    await publish();
    const caller = await aCaller({ grants: [] });
    expect(answerOf(await stand.ask(caller, "GET", `https://${HOST}/lent`))).toMatchObject([403, { rule: "grants.not-held" }]);
    expect((await stand.ask(caller, "GET", "https://weir.internal/v1/instance")).status).toBe(200);
  });

  test("that the API server lost leaves the proxy as strict as before, and comes back by the controller's next pass", async () => {
    await theWorld();
    await publish();
    const caller = await aCaller();
    await controller.cluster.remove(TYPES.configMaps, { namespace: "weir-system", name: "weir-boundary" });
    await eventually("the proxy says so", async () => /^weir_boundary_trouble 1$/m.test(await stand.metrics()));
    expect((await stand.ask(caller, "GET", `https://${HOST}/`)).status).toBe(200);
    expect((await stand.ask(caller, "POST", `https://${HOST}/`)).status).toBe(403);
    await publish();
    await eventually("the proxy says so", async () => /^weir_boundary_trouble 0$/m.test(await stand.metrics()));
  });

  test("no longer has an agent that was deleted: it is nobody", async () => {
    await theWorld();
    await publish();
    const caller = await aCaller();
    expect((await stand.ask(caller, "GET", `https://${HOST}/`)).status).toBe(200);
    await controller.cluster.remove(TYPES.agents, { namespace: NAMES.namespace, name: NAMES.agent });
    await eventually("the agent is gone", async () => { await keeper.pass(stop.signal); return /^weir_boundary_agents 0$/m.test(await stand.metrics()); });
    expect(await stand.refusal(caller)).toMatch(/^identity\.rejected: .* is not part of the boundary/);
  });
});

describe("what the proxy says to the controller", () => {
  test("of an instance is believed: it learns who it is", async () => {
    await theWorld();
    await publish();
    const caller = await aCaller();
    const { namespace, agent, thread } = NAMES;
    const [status, body] = answerOf(await stand.ask(caller, "GET", "https://weir.internal/v1/instance"));
    expect([status, body]).toMatchObject([200, { namespace, agent, pod: caller.pod.metadata.name, container: null, thread: { name: thread, user: "alice" } }]);
  });

  test("of a container is believed as of a container, which may see and no more", async () => {
    await theWorld();
    await publish();
    const server = { ...await aCaller(), container: NAMES.server };
    expect(answerOf(await stand.ask(server, "GET", "https://weir.internal/v1/instance"))).toMatchObject([200, { agent: NAMES.agent, container: NAMES.server }]);
    expect(answerOf(await stand.ask(server, "GET", "https://weir.internal/v1/instance/messages"))).toMatchObject([403, { rule: "instance.container" }]);
  });

  test("of a pod that the controller sees on another node is not believed", async () => {
    await theWorld();
    await publish();
    const caller = await aCaller();
    writeFileSync(join(stand.directory, "controller-token"), tokenFor("proxy-on-node-2"));
    expect(answerOf(await stand.ask(caller, "GET", "https://weir.internal/v1/instance"))).toMatchObject([401, { rule: "instance.other-node" }]);
  });

  test("about activity counts for the thread that the pod serves", async () => {
    await theWorld();
    await publish();
    const caller = await aCaller();
    const before = Date.now();
    await stand.ask(caller, "GET", `https://${HOST}/`);
    const served = await controller.cluster.get(TYPES.threads, { namespace: NAMES.namespace, name: NAMES.thread });
    const lastActivityMs = async () => (await controller.store.demand(served?.metadata.uid ?? "")).lastActivityMs ?? 0;
    await eventually("the controller has noted it", async () => await lastActivityMs() >= before);
  });
});
