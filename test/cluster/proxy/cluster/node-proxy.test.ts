import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { readEnvironment } from "../../../../common/config.ts";
import type { KubeApi, KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { aBoundary, type BoundaryWish } from "../../../support/boundaries.ts";
import { ClusterStand, type Caller } from "../../../support/cluster-stand.ts";
import { aPod, type PodWish } from "../../../support/governed-pods.ts";
import { openApiAs } from "../../../support/kube/cluster-connection.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { mintAuthority, type TestAuthority } from "../../../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../../../support/upstream-server.ts";
import { eventually, exchangesOf, Received } from "../../../support/whole-proxy.ts";

const environment = readEnvironment();
/** `verify:cluster` builds the programs and fails without them; `verify` uses those that are there. */
const isRequired = environment["WEIR_TIER"] === "cluster";
const programs = isRequired ? await obtainKubernetes(environment, () => {}, PROGRAMS_OF_LEVEL[1]) : await findKubernetes(environment, PROGRAMS_OF_LEVEL[1]);

const API = "api.example.test";
const HOSTS = [{ name: API, rule: "api", methods: ["*"] }];
const AGENTS = { "agents/coder": { grants: [], budgets: [] } };
const PROXY = "system:serviceaccount:weir-system:weir-proxy";

/** What the chart lets a node proxy do (charts/weir/templates/rbac.yaml). */
const RIGHTS = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: weir-proxy}
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
  - {apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}
  - {nonResourceURLs: [/openid/v1/jwks, /.well-known/openid-configuration], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: weir-proxy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: weir-proxy}
subjects: [{kind: User, name: "${PROXY}", apiGroup: rbac.authorization.k8s.io}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: weir-proxy, namespace: weir-system}
rules: [{apiGroups: [""], resources: [configmaps], resourceNames: [weir-boundary], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: weir-proxy, namespace: weir-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: weir-proxy}
subjects: [{kind: User, name: "${PROXY}", apiGroup: rbac.authorization.k8s.io}]
`;

let cluster: ControlPlane;
let proxyApi: KubeApi;
let authority: TestAuthority;
let upstream: UpstreamServer;
let stand: ClusterStand;
let aheadMs = 0;
let pods = 0;

async function put(object: KubeObject): Promise<void> {
  await cluster.api.apply(TYPES.configMaps, object, { fieldManager: "test", force: true });
}

async function publish(wish: Partial<BoundaryWish> & { readonly revision: string }): Promise<void> {
  await put(await aBoundary({ hosts: HOSTS, agents: AGENTS, ...wish }));
  await eventually(`${wish.revision} is in force`, async () => (await stand.metrics()).includes(`weir_boundary_info{revision="${wish.revision}"}`));
}

/** A pod that the API server takes, with the status that a kubelet would report. */
async function createPod(wish: PodWish, address: string): Promise<KubeObject> {
  const { metadata: { uid: _, ...metadata }, spec } = aPod({ name: `pod-${pods += 1}`, ...wish });
  const container = { name: "agent", image: "agent:1" };
  const created = await cluster.api.create(TYPES.pods, { metadata, spec: { ...spec as object, containers: [container], serviceAccountName: "default", automountServiceAccountToken: false } });
  const status = { phase: "Running", podIP: address, podIPs: [{ ip: address }] };
  const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/status`;
  const answer = await cluster.call("PATCH", path, { status });
  if (answer.status !== 200) throw new Error(`status of ${metadata.name}: ${JSON.stringify(answer.body)}`);
  return created;
}

async function aCaller(wish: PodWish = {}, { audience = "weir-proxy", address = "127.0.0.2" } = {}): Promise<Caller & { readonly pod: KubeObject }> {
  const pod = await createPod(wish, address);
  const { name, namespace = "", uid = "" } = pod.metadata;
  return { pod, address, token: await cluster.tokenFor(`${namespace}/default`, { audience, seconds: 600, pod: { name, uid } }) };
}

const remove = async ({ pod }: { readonly pod: KubeObject }) => {
  await cluster.api.remove(TYPES.pods, { namespace: pod.metadata.namespace ?? "", name: pod.metadata.name }, { gracePeriodSeconds: 0 });
};

async function aStream(caller: Caller): Promise<Received> {
  const socket = await stand.open(caller, API);
  const received = new Received(socket);
  socket.write(`GET /sse?events=100000&everyMs=50 HTTP/1.1\r\nHost: ${API}\r\n\r\n`);
  await eventually("the stream flows", () => received.text.includes("data:"));
  return received;
}

describe.skipIf(programs === null)("a node proxy beside a real API server (npm run verify:cluster builds it)", () => {
  beforeAll(async () => {
    cluster = await startControlPlane({ level: 1 });
    await cluster.createNamespace("weir-system");
    await cluster.createNamespace("agents");
    await cluster.createNamespace("other");
    await cluster.kubectl(["apply", "-f", "-"], RIGHTS);
    proxyApi = openApiAs(await cluster.identity(PROXY));
    authority = await mintAuthority();
    upstream = await startUpstream(await authority.leaf([API]));
  });
  afterAll(async () => {
    await proxyApi.close();
    await upstream.close();
    await cluster.stop();
  });
  beforeEach(async () => {
    aheadMs = 0;
    stand = await ClusterStand.start({
      api: proxyApi, authority, routes: [{ name: API, port: 443, dialPort: upstream.port }],
      clock: { nowMs: () => systemClock.nowMs() + aheadMs, monotonicMs: () => systemClock.monotonicMs() },
    });
    await publish({ revision: `first-${stand.controllerPort}` });
  });
  afterEach(async () => { await stand.stop(); });

  describe("a token of the API server", () => {
    test("is the agent of its pod, with the rights that the chart gives the proxy", async () => {
      const caller = await aCaller({ labels: { "weir.dev/thread": "t7" } });
      expect((await stand.ask(caller, "GET", `https://${API}/`)).body).toBe("ok\n");
      expect(exchangesOf(stand.records, "decided")[0]?.agent).toEqual({
        namespace: "agents", name: "coder", thread: "t7", instance: caller.pod.metadata.uid, pod: caller.pod.metadata.name, user: "", chain: [],
      });
    });

    test.each<[string, () => Promise<Caller>, RegExp]>([
      ["for another audience", async () => aCaller({}, { audience: "weir-controller" }), /^identity\.rejected: the token is not valid here/],
      ["of a pod on another node", async () => aCaller({ node: "n2" }), /^identity\.rejected: the token is of a pod on node n2/],
      ["shown from another pod's address", async () => ({ ...await aCaller(), address: "127.0.0.3" }), /^identity\.rejected: the peer is not the token's pod/],
      ["of a pod that is not governed", async () => aCaller({ annotations: { injected: undefined } }), /^identity\.rejected: the pod has no boundary/],
      ["of an Agent's namesake in another namespace", async () => aCaller({ namespace: "other" }), /^identity\.rejected: agent other\/coder is not part/],
      ["bound to no pod", async () => ({ address: "127.0.0.2", token: await cluster.tokenFor("agents/default", { audience: "weir-proxy", seconds: 600 }) }), /^identity\.rejected: the token is not bound/],
    ])("%s is refused", async (_what, caller, why) => {
      expect(await stand.refusal(await caller())).toMatch(why);
    });

    test("is refused after it has expired", async () => {
      const caller = await aCaller();
      aheadMs = 599_000 - 30_000;
      expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
      aheadMs = 601_000;
      expect(await stand.refusal(caller)).toMatch(/^identity\.expired/);
    });

    test("of a deleted pod is refused, and what the pod had open ends", async () => {
      const caller = await aCaller();
      const stream = await aStream(caller);
      await remove(caller);
      await eventually("its stream ends", () => stream.isOver);
      expect(await stand.refusal(caller)).toBe("identity.rejected: the pod has ended");
    });

    test("of a pod that was deleted before anybody saw it is refused by the API server", async () => {
      const caller = await aCaller();
      await remove(caller);
      expect(await stand.refusal(caller)).toMatch(/^identity\.rejected: (the cluster no longer accepts the token|the pod has ended|no such pod)/);
    });

    test("of the pod that had the name before is refused, the one of its successor is not", async () => {
      const first = await aCaller({ name: "again" });
      await stand.ask(first, "GET", `https://${API}/`);
      await remove(first);
      const second = await aCaller({ name: "again" });
      expect(await stand.refusal({ ...first })).toBe("identity.rejected: the pod has ended");
      expect((await stand.ask(second, "GET", `https://${API}/`)).status).toBe(200);
    });

    test("works from the first moment of its pod", async () => {
      for (let each = 0; each < 10; each += 1) expect((await stand.ask(await aCaller(), "GET", `https://${API}/`)).status).toBe(200);
    });
  });

  describe("the boundary's ConfigMap", () => {
    test("changes what is decided without a restart", async () => {
      const caller = await aCaller();
      expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
      const stream = await aStream(caller);
      await publish({ revision: "none-allowed", hosts: [] });
      await eventually("the stream ends", () => stream.isOver);
      await expect(stand.open(caller, API)).rejects.toThrow(/alert|closed|disconnected|ECONNRESET/);
      await publish({ revision: "allowed-again" });
      expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
    });

    test("that is not fit leaves the last good one in force", async () => {
      const caller = await aCaller();
      await put(await aBoundary({ revision: "bad", bundle: Buffer.from("no bundle") }));
      await eventually("it is refused", async () => /^weir_boundary_trouble 1$/m.test(await stand.metrics()));
      expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
      await put({ metadata: { name: "weir-boundary", namespace: "weir-system" }, data: { note: "nothing else" } });
      expect((await stand.ask(caller, "GET", `https://${API}/`)).status).toBe(200);
      await publish({ revision: "good" });
      expect(await stand.metrics()).toMatch(/^weir_boundary_trouble 0$/m);
    });
  });

  describe("an API server that dies while agents are served", () => {
    test("leaves those in who are in, keeps new ones out, and lets them in when it is back", async () => {
      const [known, fresh] = [await aCaller(), await aCaller({}, { address: "127.0.0.3" })];
      const stream = await aStream(known);
      await cluster.killApiServer();
      expect((await stand.ask(known, "GET", `https://${API}/`)).status).toBe(200);
      expect(await stand.refusal(fresh)).toMatch(/^identity\.unavailable: the cluster cannot be asked/);
      expect(stream.isOver).toBe(false);
      await cluster.startApiServer();
      await eventually("the fresh one is let in", async () => stand.ask(fresh, "GET", `https://${API}/`).then(({ status }) => status === 200, () => false), 60_000);
      const after = await aCaller({}, { address: "127.0.0.4" });
      expect((await stand.ask(after, "GET", `https://${API}/`)).status).toBe(200);
      await publish({ revision: "after-the-restart", hosts: [] });
      await eventually("the stream ends", () => stream.isOver);
    });
  });
});
