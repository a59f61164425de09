import { decodeJwt, decodeProtectedHeader, generateKeyPair, SignJWT, type JWTHeaderParameters } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { readEnvironment } from "../../../../common/config.ts";
import type { KubeApi, KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { aBoundary, type BoundaryWish } from "../../../support/boundaries.ts";
import { ClusterStand, type Caller } from "../../../support/cluster-stand.ts";
import { aPod, type PodWish } from "../../../support/governed-pods.ts";
import { renderChart } from "../../../support/kube/chart.ts";
import { openApiAs } from "../../../support/kube/cluster-connection.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { mintAuthority, type TestAuthority } from "../../../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../../../support/upstream-server.ts";
import { eventually, exchangesOf, Received } from "../../../support/whole-proxy.ts";

const environment = readEnvironment();
/** `verify:cluster` builds the programs and fails without them; `verify` uses those that are there. */
const isRequired = environment["WEIR_TIER"] === "cluster";
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = isRequired ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

const API = "api.example.test";
const HOSTS = [{ name: API, rule: "api", methods: ["*"] }];
const AGENTS = { "agents/coder": { grants: [], budgets: [] } };
const PROXY = "system:serviceaccount:weir-system:weir-proxy";

/** What the chart lets a node proxy do, and nothing more. */
async function grantRights(): Promise<void> {
  const rights = (await renderChart()).filter(({ kind, metadata }) => /Role(Binding)?$/.test(kind) && metadata.name === "weir-proxy");
  expect(rights.map(({ kind }) => kind).toSorted()).toEqual(["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]);
  await cluster.kubectl(["apply", "-f", "-"], rights.map((each) => JSON.stringify(each)).join("\n---\n"));
}

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
async function createPod(wish: PodWish, address: string, serviceAccountName: string): Promise<KubeObject> {
  const { metadata: { uid: _, ...metadata }, spec } = aPod({ name: `pod-${pods += 1}`, ...wish });
  const containers = [{ name: "agent", image: "agent:1" }];
  const created = await cluster.api.create(TYPES.pods, {
    metadata, spec: { ...spec as object, containers, serviceAccountName, automountServiceAccountToken: false },
  });
  const status = { phase: "Running", podIP: address, podIPs: [{ ip: address }] };
  const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}/status`;
  const answer = await cluster.call("PATCH", path, { status });
  if (answer.status !== 200) throw new Error(`status of ${metadata.name}: ${JSON.stringify(answer.body)}`);
  return created;
}

type PodCaller = Caller & { readonly pod: KubeObject };
interface CallerWish {
  readonly audience?: string;
  readonly address?: string;
  /** Service account of the pod. */
  readonly account?: string;
}

async function aCaller(wish: PodWish = {}, { audience = "weir-proxy", address = "127.0.0.2", account = "default" }: CallerWish = {}): Promise<PodCaller> {
  const pod = await createPod(wish, address, account);
  const { namespace = "" } = pod.metadata;
  return { pod, address, token: await tokenOf(`${namespace}/${account}`, pod, audience) };
}

async function tokenOf(account: string, { metadata: { name, uid = "" } }: KubeObject, audience = "weir-proxy"): Promise<string> {
  return cluster.tokenFor(account, { audience, seconds: 600, pod: { name, uid } });
}

async function addAccount(name: string): Promise<void> {
  const made = await cluster.call("POST", "/api/v1/namespaces/agents/serviceaccounts", { apiVersion: "v1", kind: "ServiceAccount", metadata: { name } });
  if (made.status !== 201) throw new Error(`service account ${name}: ${made.status}`);
}

const removeAccount = async (name: string) => cluster.call("DELETE", `/api/v1/namespaces/agents/serviceaccounts/${name}`);

/** As long-lived tokens in Secrets are: of a service account, and of no pod. */
async function tokenOfSecret(): Promise<string> {
  const name = `secret-${pods += 1}`;
  const secret = await cluster.call("POST", "/api/v1/namespaces/agents/secrets", { apiVersion: "v1", kind: "Secret", metadata: { name } });
  const { uid } = secret.body["metadata"] as { uid: string };
  const spec = { audiences: ["weir-proxy"], expirationSeconds: 600, boundObjectRef: { apiVersion: "v1", kind: "Secret", name, uid } };
  const asked = await cluster.call("POST", "/api/v1/namespaces/agents/serviceaccounts/default/token", {
    apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec,
  });
  return (asked.body["status"] as { token: string }).token;
}

const partsOf = (token: string) => token.split(".") as [string, string, string];

/** The same claims and the same key's name, signed by somebody else. */
async function signedElsewhere(token: string): Promise<string> {
  const { privateKey } = await generateKeyPair("RS256");
  return new SignJWT(decodeJwt(token)).setProtectedHeader(decodeProtectedHeader(token) as JWTHeaderParameters).sign(privateKey);
}

/** What it says of itself is changed; the signature is the one that it had. */
function withClaims(token: string, claims: object): string {
  const [head, , signature] = partsOf(token);
  return [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
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
    await grantRights();
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

    /** Who is refused, and the twin that differs in that alone and is let in. */
    type Twins = () => Promise<readonly [refused: Caller, allowed: Caller]>;
    const besideAGoodOne = (make: () => Promise<Caller>): Twins => async () => [await make(), await aCaller()];
    const unlike = (change: (good: PodCaller) => Promise<Caller>): Twins => async () => {
      const good = await aCaller();
      return [await change(good), good];
    };
    const showing = (token: (good: PodCaller) => Promise<string>) => unlike(async (good) => ({ ...good, token: await token(good) }));
    const claiming = (other: (good: PodCaller) => Promise<object>) => showing(async (good) => withClaims(good.token, await other(good)));
    const ungoverned = { annotations: { injected: undefined } };
    const invalid = /^identity\.rejected: the token is not valid here/;
    const elsewhere = /^identity\.rejected: the peer is not the token's pod/;
    const noBoundary = /^identity\.rejected: the pod has no boundary/;
    const unbound = /^identity\.rejected: the token is not bound/;

    test.each<[string, Twins, RegExp]>([
      ["for another audience", showing(async ({ pod }) => tokenOf("agents/default", pod, "weir-controller")), invalid],
      ["for the API server itself", showing(async ({ pod }) => tokenOf("agents/default", pod, cluster.issuer)), invalid],
      ["of a pod on another node", besideAGoodOne(async () => aCaller({ node: "n2" })), /^identity\.rejected: the token is of a pod on node n2/],
      ["stolen by another pod", unlike(async ({ token }) => ({ ...await aCaller({}, { address: "127.0.0.3" }), token })), elsewhere],
      ["shown from an address of no pod", unlike(async (good) => ({ ...good, address: "127.0.0.9" })), elsewhere],
      ["of a pod that is not governed", besideAGoodOne(async () => aCaller(ungoverned)), noBoundary],
      ["of a pod of the installation itself", besideAGoodOne(async () => aCaller({ namespace: "weir-system", ...ungoverned })), noBoundary],
      ["of an Agent's namesake in another namespace", besideAGoodOne(async () => aCaller({ namespace: "other" })), /: agent other\/coder is not part/],
      ["of a service account alone", showing(async () => cluster.tokenFor("agents/default", { audience: "weir-proxy", seconds: 600 })), unbound],
      ["bound to a Secret", showing(async () => tokenOfSecret()), unbound],
      ["signed by another cluster", showing(async ({ token }) => signedElsewhere(token)), invalid],
      ["with another pod's claims", claiming(async () => decodeJwt((await aCaller()).token)), invalid],
      ["of another issuer", claiming(async ({ token }) => Object.assign(decodeJwt(token), { iss: "https://elsewhere.test" })), /^identity\.rejected/],
      ["without its signature", showing(async ({ token }) => `${partsOf(token).slice(0, 2).join(".")}.`), /^identity\.(rejected|malformed)/],
    ])("%s is refused, and its twin is not", async (_what, twins, why) => {
      const [refused, allowed] = await twins();
      expect(await stand.refusal(refused)).toMatch(why);
      expect((await stand.ask(allowed, "GET", `https://${API}/`)).status).toBe(200);
    });

    test("of a service account that was deleted is refused, also when another has its name now", async () => {
      for (const name of ["leaver", "stayer"]) await addAccount(name);
      const [leaver, stayer] = [await aCaller({}, { account: "leaver" }), await aCaller({}, { account: "stayer" })];
      await removeAccount("leaver");
      expect(await stand.refusal(leaver)).toBe("identity.rejected: the cluster no longer accepts the token");
      await addAccount("leaver");
      expect(await stand.refusal(leaver)).toBe("identity.rejected: the cluster no longer accepts the token");
      expect((await stand.ask({ ...leaver, token: await tokenOf("agents/leaver", leaver.pod) }, "GET", `https://${API}/`)).status).toBe(200);
      expect((await stand.ask(stayer, "GET", `https://${API}/`)).status).toBe(200);
    });

    test("of another service account than its pod's is not even issued", async () => {
      await addAccount("stranger");
      const { pod } = await aCaller();
      await expect(tokenOf("agents/stranger", pod)).rejects.toThrow(/cannot bind token/);
      expect(await tokenOf("agents/default", pod)).toContain(".");
    });

    test("that the kubelet renewed counts beside the one before", async () => {
      const caller = await aCaller();
      const renewed = { ...caller, token: await tokenOf("agents/default", caller.pod) };
      for (const each of [caller, renewed, caller]) expect((await stand.ask(each, "GET", `https://${API}/`)).status).toBe(200);
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
      const isLetIn = async () => stand.ask(fresh, "GET", `https://${API}/`).then(({ status }) => status === 200, () => false);
      await eventually("the fresh one is let in", isLetIn, 60_000);
      const after = await aCaller({}, { address: "127.0.0.4" });
      expect((await stand.ask(after, "GET", `https://${API}/`)).status).toBe(200);
      await publish({ revision: "after-the-restart", hosts: [] });
      await eventually("the stream ends", () => stream.isOver);
    });
  });
});
