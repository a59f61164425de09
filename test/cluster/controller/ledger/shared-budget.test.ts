import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEnvironment } from "../../../../common/config.ts";
import type { KubeApi, KubeObject, ResourceType } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import type { RunningController } from "../../../../controller/main.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { ClusterStand, type Caller } from "../../../support/cluster-stand.ts";
import { RELEASE } from "../../../support/kube/chart.ts";
import { openApiAs } from "../../../support/kube/cluster-connection.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { ControllerStand } from "../../../support/kube/controller-stand.ts";
import { LED_BOUNDARY, leadBoundary } from "../../../support/kube/led-boundary.ts";
import { freePort } from "../../../support/free-port.ts";
import { mintAuthority, type TestAuthority } from "../../../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../../../support/upstream-server.ts";
import { eventually } from "../../../support/whole-proxy.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

const API = "api.example.test";
const LIMIT = 20;

type Status = Readonly<Record<string, unknown>> & { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
const isSo = (status: Status | undefined, type: string) => status?.conditions?.some((condition) => condition.type === type && condition.status === "True") === true;
const weir = (kind: string, name: string, spec: object): KubeObject => ({ apiVersion: "weir.dev/v1alpha1", kind, metadata: { name, namespace: "team" }, spec });

describe.skipIf(programs === null)("two node proxies that share a Budget by the controller's ledger, beside a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  let installed: ControllerStand;
  let controller: RunningController;
  let apiPort: number;
  let proxyApi: KubeApi;
  let authority: TestAuthority;
  let upstream: UpstreamServer;
  const nodes: Node[] = [];

  interface Node {
    readonly name: string;
    readonly caller: Caller;
    readonly files: { readonly tokenFile: string; readonly caFile: string };
    stand: ClusterStand;
  }

  const startController = async () => installed.start("one", { threads: { directory: join(plane.folder, "threads") }, api: { host: "127.0.0.1", port: apiPort } });

  const publish = async () => leadBoundary(plane, apiPort);

  async function pod(namespace: string, name: string, over: { readonly labels?: object; readonly spec: object }): Promise<KubeObject> {
    const containers = [{ name: "agent", image: "agent:1" }];
    const { status, body } = await plane.call("POST", `/api/v1/namespaces/${namespace}/pods`, {
      apiVersion: "v1", kind: "Pod", metadata: { name, labels: over.labels }, spec: { containers, automountServiceAccountToken: false, ...over.spec },
    });
    expect(status, JSON.stringify(body)).toBe(201);
    return body as unknown as KubeObject;
  }

  const tokenOf = async (account: string, audience: string, { metadata: { name, uid = "" } }: KubeObject) => plane.tokenFor(account, { audience, seconds: 3_600, pod: { name, uid } });

  async function addNode(name: string, address: string): Promise<void> {
    const proxy = await pod(RELEASE.namespace, `proxy-${name}`, { spec: { serviceAccountName: "weir-proxy", nodeName: name } });
    const agent = await pod("team", `coder-${name}`, { labels: { "weir.dev/inject": "enabled", "weir.dev/agent": "coder" }, spec: { nodeName: name } });
    const status = { phase: "Running", podIP: address, podIPs: [{ ip: address }] };
    expect((await plane.call("PATCH", `/api/v1/namespaces/team/pods/coder-${name}/status`, { status })).status).toBe(200);
    const files = { tokenFile: join(plane.folder, `${name}.token`), caFile: join(plane.folder, "weir-ca.pem") };
    await writeFile(files.tokenFile, await tokenOf(`${RELEASE.namespace}/weir-proxy`, "weir-controller", proxy));
    const caller = { address, token: await tokenOf("team/default", "weir-proxy", agent) };
    nodes.push({ name, caller, files, stand: await startProxy(name, files) });
  }

  async function startProxy(name: string, files: Node["files"], directory?: string): Promise<ClusterStand> {
    const stand = await ClusterStand.start({
      api: proxyApi, authority, routes: [{ name: API, port: 443, dialPort: upstream.port }], ...(directory === undefined ? {} : { directory }),
      cluster: { nodeName: name, configMap: LED_BOUNDARY, controller: files }, config: { budgets: { ledger: { idleMs: 500, reportIntervalMs: 100 } } },
    });
    await eventually(`the proxy of ${name} is ready`, async () => await stand.readyz() === 200, 10_000);
    return stand;
  }

  const nodeOf = (index: number): Node => {
    const node = nodes[index % nodes.length];
    if (node === undefined) throw new Error("no node");
    return node;
  };
  const askAll = async (count: number) => Promise.all(Array.from({ length: count }, async (_, index) => {
    const { stand, caller } = nodeOf(index);
    return (await stand.ask(caller, "GET", `https://${API}/`)).status;
  }));
  const statusOf = async (type: ResourceType, name: string) => (await plane.api.get(type, { namespace: "team", name }))?.["status"] as Status | undefined;
  const budgetStatus = async () => statusOf(TYPES.budgets, "calls");

  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    installed = await ControllerStand.open(plane, ["team"]);
    apiPort = await freePort();
    controller = await startController();
    authority = await mintAuthority();
    upstream = await startUpstream(await authority.leaf([API]));
    proxyApi = openApiAs(await plane.identity("admin", ["system:masters"]));
    await plane.api.create(TYPES.budgets, weir("Budget", "calls", { meter: "requests", limit: LIMIT, window: "total" }));
    await plane.api.create(TYPES.egressPolicies, weir("EgressPolicy", "web", { data: { hosts: [{ name: API }] } }));
    await plane.api.create(TYPES.agents, weir("Agent", "coder", { policies: ["web"], budgets: ["calls"] }));
    await eventually("the agent is part of the boundary", async () => isSo(await statusOf(TYPES.agents, "coder"), "Programmed"), 20_000);
    await eventually("the Budget is", async () => isSo(await statusOf(TYPES.budgets, "calls"), "Accepted"), 20_000);
    const ca = await plane.api.get(TYPES.configMaps, { namespace: RELEASE.namespace, name: "weir-ca" }) as { readonly data?: Record<string, string> } | null;
    await writeFile(join(plane.folder, "weir-ca.pem"), ca?.data?.["ca.crt"] ?? "");
    await publish();
    for (const [name, address] of [["n1", "127.0.0.2"], ["n2", "127.0.0.3"]] as const) await addNode(name, address);
  }, 120_000);
  afterAll(async () => {
    for (const { stand } of nodes) await stand.stop();
    await upstream?.close();
    await proxyApi?.close();
    await controller?.stop();
    await plane?.stop();
  });

  test("what one of them spends, the other cannot; a proxy that is started again has lost nothing", async () => {
    expect(await askAll(6)).toEqual([200, 200, 200, 200, 200, 200]);
    const second = nodeOf(1);
    await second.stand.stop(true);
    second.stand = await startProxy(second.name, second.files, second.stand.directory);
    expect(await askAll(2)).toEqual([200, 200]);
  });

  test("while the controller is away, what was lent can be spent and nothing beyond; when it is back all goes on, and it has forgotten nothing", async () => {
    await controller.stop();
    const away = await askAll(4);
    expect(away.every((status) => [200, 402, 503].includes(status))).toBe(true);
    controller = await startController();
    const { stand, caller } = nodeOf(0);
    let after = 0;
    await eventually("a request goes through again", async () => {
      const isThrough = (await stand.ask(caller, "GET", `https://${API}/`)).status === 200;
      if (isThrough) after += 1;
      return isThrough;
    }, 20_000);
    const before = 8 + away.filter((status) => status === 200).length + after;
    const rest = await askAll(50);
    expect(before + rest.filter((status) => status === 200).length).toBe(LIMIT);
    expect(rest.filter((status) => status !== 200).every((status) => status === 402)).toBe(true);
  });

  test("the Budget says so, and raising it lets both go on", async () => {
    await eventually("the status says all that is spent", async () => (await budgetStatus())?.["spent"] === String(LIMIT), 45_000);
    expect(await budgetStatus()).toMatchObject({ limit: String(LIMIT), percent: 100, reserved: "0" });
    await plane.api.apply(TYPES.budgets, weir("Budget", "calls", { meter: "requests", limit: LIMIT + 4, window: "total" }), { fieldManager: "test", force: true });
    await eventually("the boundary has it", async () => {
      await publish();
      return (await askAll(1))[0] === 200;
    }, 20_000);
    const rest = await askAll(20);
    expect(rest.filter((status) => status === 200)).toHaveLength(3);
  });
}, 180_000);
