import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BOUNDARY_KEYS, BOUNDARY_LIMIT_BYTES } from "../../common/boundary-set.ts";
import { INSTANCE_HEADER } from "../../common/labels.ts";
import { KubeError, type KubeObject } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { aBoundary, type BoundaryWish } from "../support/boundaries.ts";
import { ClusterStand, ended, type Caller } from "../support/cluster-stand.ts";
import { aPod, type PodWish } from "../support/governed-pods.ts";
import { MemoryKubeApi } from "../support/kube/memory-api.ts";
import { MemoryTokens } from "../support/memory-tokens.ts";
import { mintAuthority, type TestAuthority } from "../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../support/upstream-server.ts";
import { connectionsOf, eventually, exchangesOf, Received } from "../support/whole-proxy.ts";

const API = "api.example.test";
const BOUNDARY = { namespace: "weir-system", name: "weir-boundary" };
const PLATFORM_GRANT = { credential: { type: "identity" }, bind: { hosts: ["weir.internal"], paths: ["/v1/instance/**"] } };
const HOSTS = [
  { name: API, rule: "api", methods: ["*"] },
  { name: "weir.internal", rule: "weir.internal", methods: ["*"], paths: ["/v1/instance/**"], grants: ["weir.internal"] },
];
const AGENTS = { "agents/coder": { grants: ["agents.github", "weir.internal"], budgets: [] }, "agents/coder.search": { grants: [], budgets: [] } };

let authority: TestAuthority;
let upstream: UpstreamServer;
let api: MemoryKubeApi;
let tokens: MemoryTokens;
let stand: ClusterStand;

beforeAll(async () => {
  authority = await mintAuthority();
  upstream = await startUpstream(await authority.leaf([API]));
});
afterAll(async () => { await upstream.close(); });
beforeEach(async () => {
  api = new MemoryKubeApi();
  tokens = await MemoryTokens.of(api);
  stand = await start();
});
afterEach(async () => { await stand.stop(); });

async function start(over: { readonly directory?: string; readonly cluster?: Record<string, unknown> } = {}): Promise<ClusterStand> {
  return ClusterStand.start({ api, authority, routes: [{ name: API, port: 443, dialPort: upstream.port }], ...over });
}

async function publish(wish: Partial<BoundaryWish> & { readonly revision: string }): Promise<void> {
  const object = await aBoundary({ hosts: HOSTS, agents: AGENTS, grants: { "weir.internal": PLATFORM_GRANT }, platform: stand.platform, ...wish });
  const isThere = await api.get(TYPES.configMaps, BOUNDARY) !== null;
  await (isThere ? api.replace(TYPES.configMaps, object) : api.create(TYPES.configMaps, object));
  await eventually(`${wish.revision} is in force`, async () => (await stand.metrics()).includes(`weir_boundary_info{revision="${wish.revision}"}`));
}

async function aCaller(wish: PodWish = {}, address = "127.0.0.2"): Promise<Caller & { readonly pod: KubeObject }> {
  const pod = await api.create(TYPES.pods, aPod({ ips: [address], ...wish }));
  return { token: await tokens.for(pod), address, pod };
}

const change = async ({ pod }: { readonly pod: KubeObject }, over: { readonly metadata?: object; readonly status?: object }) => {
  const { name, namespace } = pod.metadata;
  await api.apply(TYPES.pods, { ...over, metadata: { name, namespace: namespace ?? "", ...over.metadata } }, { fieldManager: "test", force: true });
};

/** A good bundle beside another document. @param set null: half of what gzip wrote */
async function withSet(set: object | null): Promise<KubeObject> {
  const good = await aBoundary({ revision: "r2", agents: {} });
  const data = good["binaryData"] as Record<string, string>;
  const packed = Buffer.from(data[BOUNDARY_KEYS.set] ?? "", "base64");
  const unfit = set === null ? packed.subarray(0, packed.byteLength / 2) : gzipSync(JSON.stringify(set));
  return { ...good, binaryData: { ...data, [BOUNDARY_KEYS.set]: unfit.toString("base64") } };
}

async function tlsTo(caller: Caller, address: string): Promise<void> {
  const socket = connectTls({ socket: await stand.dial(caller, { address, port: 443 }), servername: API, ca: stand.proxy.caPem });
  await once(socket, "secureConnect").finally(() => { socket.destroy(); });
}

async function aStream(caller: Caller): Promise<Received> {
  const socket = await stand.open(caller, API);
  const received = new Received(socket);
  socket.write(`GET /sse?events=100000&everyMs=20 HTTP/1.1\r\nHost: ${API}\r\n\r\n`);
  await eventually("the stream flows", () => received.text.includes("data:"));
  return received;
}

describe("a node proxy before it has a boundary", () => {
  test("is not ready and lets nobody in", async () => {
    const caller = await aCaller();
    expect(await stand.readyz()).toBe(503);
    expect(await stand.refusal(caller)).toMatch(/^identity\.unavailable: no boundary/);
    await publish({ revision: "r1" });
    expect(await stand.readyz()).toBe(200);
    expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
  });
});

describe("an agent in a pod", () => {
  test("is let through as the agent that its pod is; the record names agent, thread, namespace and pod", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller({ labels: { "weir.dev/thread": "t7" }, annotations: { user: "ada", chain: ["agents/lead/t1"] } });
    expect((await stand.ask(caller, "GET", `https://${API}/`)).body).toBe("ok\n");
    expect(exchangesOf(stand.records, "decided")[0]).toMatchObject({
      agent: { namespace: "agents", name: "coder", thread: "t7", instance: caller.pod.metadata.uid, pod: "weir-t7", user: "ada", chain: ["agents/lead/t1"] },
      decision: { allowed: true, rule: "api", revision: "r1" },
    });
    expect(tokens.reviewed).toEqual([caller.pod.metadata.uid]);
  });

  /** What the pod of a good caller shows in place of its token. */
  const showing = (token: (pod: KubeObject) => Promise<string>) => async (): Promise<Caller> => {
    const { pod, address } = await aCaller();
    return { address, token: await token(pod) };
  };
  const onNode = (nodeName: string) => async (): Promise<Caller> => {
    const { pod, ...caller } = await aCaller({ node: "n2" });
    return { ...caller, token: await tokens.for({ ...pod, spec: { nodeName } }) };
  };
  const revoked = async (): Promise<Caller> => {
    const caller = await aCaller();
    tokens.revoked.add(caller.pod.metadata.uid ?? "");
    return caller;
  };
  const MINTED = { namespace: "agents", name: "coder", thread: "t", instance: "i", user: "", labels: {}, chain: [] };

  test.each<[string, () => Promise<Caller>, RegExp]>([
    ["from another pod's address", async () => ({ ...await aCaller(), address: "127.0.0.3" }), /^identity\.rejected: the peer is not the token's pod/],
    ["of a pod on another node", onNode("n2"), /^identity\.rejected: .*node n2/],
    ["whose node claim is forged onto a pod elsewhere", onNode("n1"), /^identity\.rejected: no such pod/],
    ["for another audience", showing(async (pod) => tokens.for(pod, { audience: "https://kubernetes.test" })), /: the token is not valid here/],
    ["that has expired", showing(async (pod) => tokens.for(pod, { startSeconds: -700 })), /^identity\.expired/],
    ["of a pod without a boundary", async () => aCaller({ annotations: { injected: undefined } }), /^identity\.rejected: the pod has no boundary/],
    ["of a pod that names no Agent", async () => aCaller({ labels: { "weir.dev/agent": undefined } }), /^identity\.rejected: .*names no Agent/],
    ["of an Agent that the boundary does not know", async () => aCaller({ labels: { "weir.dev/agent": "stranger" } }), /: agent agents\/stranger is not part/],
    ["of a namesake in another namespace", async () => aCaller({ namespace: "other" }), /^identity\.rejected: agent other\/coder is not part/],
    ["with malformed annotations", async () => aCaller({ annotations: { grants: "all of them" } }), /^identity\.rejected: annotation weir\.dev\/grants/],
    ["of a container without an identity", async () => ({ ...await aCaller(), container: "shell" }), /^identity\.rejected: container shell has no identity/],
    ["that the cluster has revoked", revoked, /^identity\.rejected: the cluster no longer accepts/],
    ["of the proxy's own local issuer", showing(async () => stand.proxy.issuer.mint(MINTED, 60_000, "127.0.0.2")), /^identity\.rejected/],
  ])("is refused with a token %s, and a pod that is in order beside it is not", async (_what, caller, why) => {
    await publish({ revision: "r1" });
    expect(await stand.refusal(await caller())).toMatch(why);
    expect((await stand.ask(await aCaller({ name: "in-order" }, "127.0.0.4"), "GET", `https://${API}/`)).status).toBe(200);
  });

  test("with an identity of its own for a container: the container is somebody else, with its own policy and addresses", async () => {
    await publish({ revision: "r1", hosts: [{ name: API, rule: "api", agents: ["agents/coder.search"] }] });
    const caller = await aCaller({ annotations: { identities: { search: 64_100 } }, containers: [{ name: "search", securityContext: { runAsUser: 64_100 } }] });
    const search = { ...caller, container: "search" };
    expect((await stand.ask(search, "GET", `https://${API}/`)).status).toBe(200);
    const instance = `${caller.pod.metadata.uid}/search`;
    expect(exchangesOf(stand.records, "decided")[0]?.agent).toMatchObject({ name: "coder.search", instance, pod: "weir-t7", thread: "weir-t7" });
    const isRefused = (code: string) => connectionsOf(stand.records).some(({ agent, error }) => agent?.name === "coder" && error?.code === code);
    await expect(stand.open(caller, API)).rejects.toThrow(/alert|closed|disconnected|ECONNRESET/);
    await eventually("its refusal is recorded", () => isRefused("policy.denied"));
    const theirs = await stand.resolve(search, "only.search.test");
    await expect(tlsTo(caller, theirs)).rejects.toThrow(/alert|closed|disconnected|ECONNRESET/);
    await eventually("its refusal is recorded", () => isRefused("destination.unknown"));
  });
});

describe("what an instance holds", () => {
  const GITHUB = [{ name: API, rule: "api", methods: ["*"], grants: ["agents.github"] }];

  test.each([
    ["its Agent does not hold", { agents: { "agents/coder": { grants: ["agents.slack"], budgets: [] } } }, {}],
    ["its thread was narrowed to not hold", {}, { annotations: { grants: ["slack"] } }],
  ])("policy cannot lend what %s", async (_what, over, wish) => {
    await publish({ revision: "r1", hosts: GITHUB, ...over });
    const { status, body } = await stand.ask(await aCaller(wish), "GET", `https://${API}/not-held`);
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ error: "policy.denied", rule: "grants.not-held", reason: expect.stringContaining("agents.github") as string });
    expect(upstream.requests.filter(({ path }) => path === "/not-held")).toEqual([]);
  });

  test("is charged to its Agent's budgets besides what policy says", async () => {
    const agents = { "agents/coder": { grants: [], budgets: ["agents.day"] } };
    const aDay = (limit: number) => ({ "agents.day": { meter: "requests", limit, window: "day" } });
    await publish({ revision: "r1", agents, budgets: aDay(2) });
    const caller = await aCaller();
    const statuses = [];
    for (let each = 0; each < 3; each += 1) statuses.push((await stand.ask(caller, "GET", `https://${API}/`)).status);
    expect(statuses).toEqual([200, 200, 402]);
    await publish({ revision: "r2", agents, budgets: aDay(3) });
    expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
    expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(402);
    await eventually("the ledger has heard of all", async () => /^weir_budget_spent\{budget="agents\.day".*\} 3$/m.test(await stand.metrics()));
  });
});

describe("the boundary", () => {
  test("changes what is decided without a restart, also for what is open", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    const stream = await aStream(caller);
    await publish({ revision: "r2", hosts: [] });
    await eventually("the stream ends", () => stream.isOver);
    await expect(stand.open(caller, API)).rejects.toThrow(/alert|closed|disconnected|ECONNRESET/);
    const isRefused = () => connectionsOf(stand.records).some(({ decision }) => decision?.allowed === false && decision.revision === "r2");
    await eventually("its refusal is recorded", isRefused);
  });

  test("that is not fit leaves the last one in force, and the metrics say so", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    await api.replace(TYPES.configMaps, await aBoundary({ revision: "r2", bundle: Buffer.from("no bundle") }));
    await eventually("it is refused", async () => /^weir_boundary_trouble 1$/m.test(await stand.metrics()));
    expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
    expect(stand.records.filter((record) => record.kind === "lifecycle").map(({ event }) => event)).toContain("boundary.refused");
    expect(await stand.readyz()).toBe(200);
  });

  test.each([
    ["too large", async () => aBoundary({ revision: "r2", bundle: randomBytes(BOUNDARY_LIMIT_BYTES) })],
    ["of another version", async () => withSet({ version: 2, revision: "r2", platform: null, agents: {}, grants: {}, budgets: {} })],
    ["cut off", async () => withSet(null)],
  ])("that is %s leaves the last one in force, and who was nobody stays nobody", async (_what, unfit) => {
    await publish({ revision: "r1" });
    const [caller, stranger] = [await aCaller(), await aCaller({ name: "stranger", labels: { "weir.dev/agent": "stranger" } }, "127.0.0.3")];
    await api.replace(TYPES.configMaps, await unfit());
    await eventually("it is refused", async () => /^weir_boundary_trouble 1$/m.test(await stand.metrics()));
    expect(await stand.metrics()).toContain('weir_boundary_info{revision="r1"}');
    expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
    expect(await stand.refusal(stranger)).toMatch(/is not part of the boundary/);
  });

  test("that no longer knows an agent ends its connections, the one for names too", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    const stream = await aStream(caller);
    const names = await stand.dial(caller, { address: "10.255.0.1", port: 53 }, "dns");
    const closed = ended(names);
    await eventually("both are known", async () => /weir_connections_open [2-9]/.test(await stand.metrics()));
    await publish({ revision: "r2", agents: {} });
    await closed;
    await eventually("the stream ends", () => stream.isOver);
    expect(await stand.refusal(caller)).toMatch(/is not part of the boundary/);
  });

  test("is in force after a restart while the API server is down, and nobody is let in until it is heard", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    await stand.stop(true);
    const { directory } = stand;
    for (let each = 0; each < 100; each += 1) api.failNext("*", new KubeError(0, "Unreachable", "down"));
    tokens.isDown = true;
    stand = await start({ directory });
    expect(await stand.metrics()).toContain('weir_boundary_info{revision="r1"}');
    expect(await stand.readyz()).toBe(503);
    expect(await stand.refusal(caller)).toMatch(/^identity\.unavailable/);
    rmSync(directory, { recursive: true, force: true });
  });
});

describe("a pod that is over", () => {
  test("loses its connections at once, with a record, and its token is worth nothing", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    const other = await aCaller({ name: "weir-t8" }, "127.0.0.3");
    const [stream, otherStream] = [await aStream(caller), await aStream(other)];
    await api.remove(TYPES.pods, { namespace: "agents", name: "weir-t7" });
    await eventually("its stream ends", () => stream.isOver);
    expect(otherStream.isOver).toBe(false);
    expect(await stand.refusal(caller)).toBe("identity.rejected: the pod has ended");
    const record = stand.records.find((each) => each.kind === "lifecycle" && each.event === "instance.ended");
    const { uid } = caller.pod.metadata;
    const why = "the pod was deleted";
    expect(record).toMatchObject({ fields: { agent: "coder", namespace: "agents", pod: "weir-t7", pod_uid: uid, thread: "weir-t7", why } });
    const closed = exchangesOf(stand.records, "closed").find(({ agent }) => agent?.instance === uid);
    expect(closed?.error).toMatchObject({ code: "identity.expired", detail: why });
  });

  test("in that it is made somebody else has to come again, and is somebody else then", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    const stream = await aStream(caller);
    await change(caller, { metadata: { labels: { "weir.dev/thread": "t9" } } });
    await eventually("its stream ends", () => stream.isOver);
    await stand.ask(caller, "GET", `https://${API}/`);
    expect(exchangesOf(stand.records, "decided").at(-1)?.agent?.thread).toBe("t9");
  });
});

describe("an API server that is silent", () => {
  test("leaves those in peace who are in, and lets nobody else in", async () => {
    await stand.stop();
    stand = await start({ cluster: { watchSilenceMs: 1_000 } });
    await publish({ revision: "r1" });
    const caller = await aCaller();
    const stream = await aStream(caller);
    await eventually("it has been silent for too long", async () => await stand.readyz() === 503);
    expect(await stand.refusal(caller)).toMatch(/^identity\.unavailable: the API server has not been heard/);
    expect(stream.isOver).toBe(false);
    await change(caller, { metadata: { labels: { colour: "blue" } } });
    await eventually("it is heard again", async () => await stand.readyz() === 200);
    expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
  });

  test("that cannot review tokens: known ones go on, new ones are refused", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    await stand.ask(caller, "GET", `https://${API}/`);
    tokens.isDown = true;
    expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
    const renewed = { ...caller, token: await tokens.for(caller.pod, { lifeSeconds: 601 }) };
    expect(await stand.refusal(renewed)).toMatch(/^identity\.unavailable: the cluster cannot be asked/);
  });
});

describe("weir.internal", () => {
  const said = (header: unknown): unknown => JSON.parse(Buffer.from(String(header), "base64url").toString());

  test("leads to the controller, with the proxy's token and who asks; what the agent says of that is gone", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    const forged = { authorization: "Bearer agents-own", [INSTANCE_HEADER]: "Zm9yZ2Vk", x_weir_instance: "Zm9yZ2Vk" };
    expect((await stand.ask(caller, "GET", "https://weir.internal/v1/instance/messages", forged)).status).toBe(200);
    const [asked] = stand.asked.filter(({ path }) => path.startsWith("/v1/instance"));
    expect(asked?.headers).toMatchObject({ authorization: "Bearer the.proxys.token", host: "weir.internal" });
    expect(asked?.headers["x_weir_instance"]).toBeUndefined();
    expect(said(asked?.headers[INSTANCE_HEADER])).toEqual({ namespace: "agents", pod: "weir-t7", uid: caller.pod.metadata.uid });
    expect(JSON.stringify(stand.records)).not.toContain("the.proxys.token");
  });

  test("tells the controller of each agent who that one is, whoever asked before", async () => {
    await publish({ revision: "r1" });
    const callers = [await aCaller(), await aCaller({ name: "weir-t8" }, "127.0.0.3")];
    for (const caller of [...callers, ...callers]) await stand.ask(caller, "GET", "https://weir.internal/v1/instance/messages");
    const asked = stand.asked.filter(({ path }) => path.startsWith("/v1/instance"));
    const uids = asked.map(({ headers }) => (said(headers[INSTANCE_HEADER]) as { uid: string }).uid);
    expect(uids).toEqual([...callers, ...callers].map(({ pod }) => pod.metadata.uid));
  });

  test.each([
    ["another path of the controller", "https://weir.internal/internal/v1/activity"],
    ["the threads of everybody", "https://weir.internal/v1/namespaces/agents/threads"],
  ])("is no way to %s", async (_what, url) => {
    await publish({ revision: "r1" });
    expect((await stand.ask(await aCaller(), "POST", url)).status).toBe(403);
    expect(stand.asked.filter(({ headers }) => headers[INSTANCE_HEADER] !== undefined)).toEqual([]);
  });

  test("leads nowhere without a controller, and is asked of no name server", async () => {
    await publish({ revision: "r1", platform: null });
    const { status, body } = await stand.ask(await aCaller(), "GET", "https://weir.internal/v1/instance/messages");
    expect([status, (JSON.parse(body) as { error: string }).error]).toEqual([502, "upstream.unresolved"]);
  });

  test("carries the instance header for no other host", async () => {
    await publish({ revision: "r1" });
    await stand.ask(await aCaller(), "GET", `https://${API}/echo`, { [INSTANCE_HEADER]: "Zm9yZ2Vk" });
    expect(upstream.requests.at(-1)?.headers[INSTANCE_HEADER]).toBeUndefined();
  });
});

describe("activity", () => {
  const reports = () => stand.asked.filter(({ path }) => path === "/internal/v1/activity");
  type Report = { readonly instances: readonly { readonly podUid: string; readonly lastActivityMs: number }[] };
  const told = () => reports().flatMap(({ body }) => (JSON.parse(body) as Report).instances);

  test("is told by pod, with the proxy's own token", async () => {
    await publish({ revision: "r1" });
    const caller = await aCaller();
    const before = Date.now();
    await stand.ask(caller, "GET", `https://${API}/`);
    await eventually("it is told", () => told().length > 0);
    expect(told()[0]).toEqual({ podUid: caller.pod.metadata.uid, namespace: "agents", name: "weir-t7", lastActivityMs: expect.any(Number) as number, exhausted: null });
    expect(told()[0]?.lastActivityMs).toBeGreaterThanOrEqual(before);
    expect(reports()[0]?.headers).toMatchObject({ authorization: "Bearer the.proxys.token", host: "weir.internal" });
  });

  test("that the controller did not take is told again", async () => {
    await publish({ revision: "r1" });
    stand.controller.status = 503;
    await stand.ask(await aCaller(), "GET", `https://${API}/`);
    // The first report may come while the exchange still runs.
    await eventually("the same activity is told twice, though two reports failed", () => {
      const times = told().map(({ lastActivityMs }) => lastActivityMs);
      return reports().length >= 2 && times.length >= 2 && times.at(-1) === times.at(-2);
    });
  });

  test("is no question to the controller: an agent that waits for messages is idle", async () => {
    await publish({ revision: "r1" });
    const [waiting, working] = [await aCaller(), await aCaller({ name: "weir-t8" }, "127.0.0.3")];
    await stand.ask(waiting, "GET", "https://weir.internal/v1/instance/messages");
    await stand.ask(working, "GET", `https://${API}/`);
    await eventually("the other one is told", () => told().length > 0);
    expect(told().map(({ podUid }) => podUid)).toEqual([working.pod.metadata.uid]);
  });
});

describe("the admin port", () => {
  test("tells an agent nothing, whatever the network lets through", async () => {
    await publish({ revision: "r1" });
    expect(await stand.readyz()).toBe(200);
    const caller = await aCaller();
    await stand.ask(caller, "GET", `https://${API}/`);
    const { hostname, port } = new URL(stand.proxy.adminUrl ?? "");
    const socket = connect({ host: hostname, port: Number(port), localAddress: caller.address });
    const received = new Received(socket);
    socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    await received.ended.promise;
    expect(received.text).toBe("");
    expect(await stand.readyz()).toBe(200);
  });
});
