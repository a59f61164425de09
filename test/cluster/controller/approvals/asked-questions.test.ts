import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createWeirClient, dataOf } from "../../../../client/client.ts";
import { readEnvironment } from "../../../../common/config.ts";
import type { KubeApi, KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import type { RunningController } from "../../../../controller/main.ts";
import { findKubernetes, obtainKubernetes } from "../../../../tools/kubernetes.ts";
import { weir } from "../../../support/cli.ts";
import { ClusterStand, type Caller } from "../../../support/cluster-stand.ts";
import { freePort } from "../../../support/free-port.ts";
import { RELEASE } from "../../../support/kube/chart.ts";
import { openApiAs } from "../../../support/kube/cluster-connection.ts";
import { PROGRAMS_OF_LEVEL, startControlPlane, type ControlPlane } from "../../../support/kube/control-plane.ts";
import { ControllerStand } from "../../../support/kube/controller-stand.ts";
import { standInForKubectl } from "../../../support/kube/kubectl-stand-in.ts";
import { LED_BOUNDARY, leadBoundary } from "../../../support/kube/led-boundary.ts";
import { mintAuthority } from "../../../support/tls-authority.ts";
import { startUpstream, type UpstreamServer } from "../../../support/upstream-server.ts";
import { eventually, exchangesOf } from "../../../support/whole-proxy.ts";

const environment = readEnvironment();
const WANTED = [...PROGRAMS_OF_LEVEL[1], "helm"] as const;
const programs = environment["WEIR_TIER"] === "cluster" ? await obtainKubernetes(environment, () => {}, WANTED) : await findKubernetes(environment, WANTED);

const HOST = "billing.example.test";
const MODELS = "api.openai.com";
const NODE = "n1";
const own = (kind: string, name: string, spec: object): KubeObject => ({ apiVersion: "weir.dev/v1alpha1", kind, metadata: { name, namespace: "team" }, spec });
const ask = (reason: string, timeout = 60) => ({ effect: "ask", ask: { reason, timeout_seconds: timeout } });
/** A reading of each kind, a pack, and questions for people. */
const HOSTS = [
  { name: HOST, rule: "charge.small", methods: ["POST"], paths: ["/charges"], json: { "/amount": { type: "number", max: 10 }, "/currency": { one_of: ["EUR", null], optional: true } } },
  { name: HOST, rule: "charge.large", methods: ["POST"], paths: ["/charges"], ...ask("Charging much needs a person."), json: { "/amount": { type: "number", max: 1_000 } } },
  { name: HOST, rule: "charge.soon", methods: ["PUT"], ...ask("Be quick.", 1) },
  { name: HOST, rule: "tools", paths: ["/mcp"], mcp: { tools: ["search", { name: "write_file", arguments: { path: { within: "/workspace" } } }] } },
  { name: HOST, rule: "tools.delete", paths: ["/mcp"], ...ask("Deleting needs a person."), mcp: { tools: ["delete_file"] } },
  { name: HOST, rule: "graph", paths: ["/graphql"], graphql: { types: ["query"], fields: ["user"] } },
];
const PACKS = [{ pack: "openai", with: { models: ["gpt-5*"], tools: ["shell"] } }];

/** What the tool says. */
const DONE = { jsonrpc: "2.0", id: 7, result: { content: [{ type: "text", text: "done" }] } };

type Status = { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[]; readonly problems?: readonly { readonly message: string }[] };

describe.skipIf(programs === null)("what agents of a cluster have to ask, with the chart's rights on a real API server (npm run verify:cluster builds it)", () => {
  let plane: ControlPlane;
  let installed: ControllerStand;
  let controller: RunningController;
  let apiPort: number;
  let proxyApi: KubeApi;
  let upstream: UpstreamServer;
  let stand: ClusterStand;
  let caller: Caller;
  let kubectl: ReturnType<typeof standInForKubectl>;

  const startController = async () => installed.start("one", { threads: { directory: join(plane.folder, "threads") }, api: { host: "127.0.0.1", port: apiPort } });
  const statusOf = async (name: string) => (await plane.api.get(TYPES.egressPolicies, { namespace: "team", name }))?.["status"] as Status | undefined;
  const stateOf = async (name: string, type: string) => (await statusOf(name))?.conditions?.find((condition) => condition.type === type);
  const caPem = async () => (await plane.api.get(TYPES.configMaps, { namespace: RELEASE.namespace, name: "weir-ca" }) as { readonly data?: Record<string, string> } | null)?.data?.["ca.crt"] ?? "";

  /** Opens a thread of the agent as a person, who owns it then. @returns the pod that the controller made for it, on the node of this test */
  async function openThread(account: string): Promise<KubeObject> {
    const client = createWeirClient({ url: `https://127.0.0.1:${apiPort}`, ca: await caPem(), serverName: "weir.internal", token: await plane.tokenFor(account, { audience: "weir-controller", seconds: 600 }) });
    const { thread } = dataOf(await client.api.POST("/v1/namespaces/{namespace}/threads", { params: { path: { namespace: "team" } }, body: { agent: "shop", message: "charge the card" } }));
    await client.close();
    const podOf = async () => (await plane.api.list(TYPES.pods, { namespace: "team" })).items.find(({ metadata }) => metadata.labels?.["weir.dev/thread"] === thread.name);
    await eventually("its pod", async () => await podOf() !== undefined, 20_000);
    const { name = "" } = (await podOf())?.metadata ?? {};
    const target = { apiVersion: "v1", kind: "Node", name: NODE };
    expect((await plane.call("POST", `/api/v1/namespaces/team/pods/${name}/binding`, { apiVersion: "v1", kind: "Binding", metadata: { name }, target })).status).toBe(201);
    const status = { phase: "Running", podIP: "127.0.0.2", podIPs: [{ ip: "127.0.0.2" }] };
    expect((await plane.call("PATCH", `/api/v1/namespaces/team/pods/${name}/status`, { status })).status).toBe(200);
    return await podOf() as KubeObject;
  }

  const tokenOf = async (account: string, audience: string, { metadata: { name, uid = "" } }: KubeObject) => plane.tokenFor(account, { audience, seconds: 3_600, pod: { name, uid } });

  async function startProxy(): Promise<void> {
    const made = await plane.call("POST", `/api/v1/namespaces/${RELEASE.namespace}/pods`, {
      apiVersion: "v1", kind: "Pod", metadata: { name: "proxy" }, spec: { containers: [{ name: "proxy", image: "p:1" }], automountServiceAccountToken: false, serviceAccountName: "weir-proxy", nodeName: NODE },
    });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const files = { tokenFile: join(plane.folder, "proxy.token"), caFile: join(plane.folder, "weir-ca.pem") };
    await writeFile(files.tokenFile, await tokenOf(`${RELEASE.namespace}/weir-proxy`, "weir-controller", made.body as unknown as KubeObject));
    await writeFile(files.caFile, await caPem());
    const authority = await mintAuthority();
    upstream = await startUpstream(await authority.leaf([HOST, MODELS]), { answers: { "/mcp": DONE } });
    stand = await ClusterStand.start({
      api: proxyApi, authority, routes: [HOST, MODELS].map((name) => ({ name, port: 443, dialPort: upstream.port })),
      cluster: { nodeName: NODE, configMap: LED_BOUNDARY, controller: files },
    });
    await eventually("the proxy is ready", async () => await stand.readyz() === 200, 10_000);
  }

  /** A JSON request of the agent. */
  async function send(method: string, url: string, body: object): Promise<{ readonly status: number; readonly body: string }> {
    const { hostname, pathname } = new URL(url);
    const socket = await stand.open(caller, hostname);
    const written = JSON.stringify(body);
    const headers = { "host": hostname, "content-type": "application/json", "accept": "application/json, text/event-stream", "content-length": Buffer.byteLength(written) };
    const sent = request({ createConnection: () => socket, method, path: pathname, headers });
    sent.end(written);
    const [answer] = await once(sent, "response") as [IncomingMessage];
    const said = { status: answer.statusCode ?? 0, body: await text(answer) };
    socket.destroy();
    return said;
  }
  const charge = async (amount: number) => send("POST", `https://${HOST}/charges`, { amount });
  /** @returns the tool's text, or the boundary's */
  const call = async (tool: string, args: object = {}) => {
    const { body } = await send("POST", `https://${HOST}/mcp`, { jsonrpc: "2.0", id: 7, method: "tools/call", params: { name: tool, arguments: args } });
    const { id, result } = JSON.parse(body) as { readonly id: number; readonly result: { readonly content: readonly { readonly text: string }[] } };
    expect(id).toBe(7);
    return result.content[0]?.text;
  };

  /** `weir approvals` of a service account. */
  const approvals = async (account: string, ...args: string[]) => weir(["approvals", ...args, "-n", "team", "--service-account", `team/${account}`, "--kubeconfig", plane.adminKubeconfig]);
  const waiting = async () => (JSON.parse((await approvals("alice", "ls", "-o", "json")).out) as { questions: { id: string; rule: string; details: string[] }[] }).questions;
  async function question(rule: string): Promise<{ readonly id: string; readonly details: readonly string[] }> {
    let found: Awaited<ReturnType<typeof waiting>>[number] | undefined;
    await eventually(`a question of ${rule}`, async () => {
      found = (await waiting()).find((one) => one.rule === rule);
      return found !== undefined;
    }, 20_000);
    return found as NonNullable<typeof found>;
  }

  beforeAll(async () => {
    plane = await startControlPlane({ level: 1 });
    installed = await ControllerStand.open(plane, ["team"]);
    apiPort = await freePort();
    controller = await startController();
    kubectl = standInForKubectl({ port: apiPort });
    vi.stubEnv("PATH", `${kubectl.folder}:${environment["PATH"] ?? ""}`);
    proxyApi = openApiAs(await plane.identity("admin", ["system:masters"]));
    for (const name of ["alice", "eve"]) await plane.kubectl(["create", "serviceaccount", name, "-n", "team"]);
    await plane.kubectl(["create", "role", "threads", "-n", "team", "--verb=create", "--resource=threads.weir.dev"]);
    await plane.kubectl(["create", "rolebinding", "threads", "-n", "team", "--role=threads", "--serviceaccount=team:alice"]);
    await plane.api.create(TYPES.egressPolicies, own("EgressPolicy", "billing", { data: { hosts: HOSTS, packs: PACKS } }));
    await plane.api.create(TYPES.agents, own("Agent", "shop", { image: "registry.example/shop:1", policies: ["billing"] }));
    await eventually("the policy is in force", async () => (await stateOf("billing", "Programmed"))?.status === "True", 30_000);
    const pod = await openThread("team/alice");
    await leadBoundary(plane, apiPort);
    await startProxy();
    const account = (pod["spec"] as { readonly serviceAccountName?: string }).serviceAccountName ?? "default";
    caller = { address: "127.0.0.2", token: await tokenOf(`team/${account}`, "weir-proxy", pod) };
  }, 120_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    kubectl?.remove();
    await stand?.stop();
    await upstream?.close();
    await proxyApi?.close();
    await controller?.stop();
    await plane?.stop();
  });

  describe("an EgressPolicy", () => {
    test("reads JSON, MCP, GraphQL and what is asked of models, also by a pack, and refuses what it does not name", async () => {
      expect(await stateOf("billing", "Accepted")).toMatchObject({ status: "True" });
      expect([(await charge(5)).status, (await charge(5_000)).status]).toEqual([200, 403]);
      expect([await call("search"), await call("write_file", { path: "/workspace/a" })]).toEqual(["done", "done"]);
      expect(await call("write_file", { path: "/etc/passwd" })).toContain("must lie within /workspace");
      const graph = async (query: string) => (await send("POST", `https://${HOST}/graphql`, { query })).status;
      expect([await graph("{ user { name } }"), await graph("mutation { pay }")]).toEqual([200, 403]);
      const model = async (name: string) => (await send("POST", `https://${MODELS}/v1/responses`, { model: name, input: "hi", max_output_tokens: 5 })).status;
      expect([await model("gpt-5.2"), await model("o3-pro")]).toEqual([200, 403]);
    });

    test.each([
      ["a pack that there is not", { packs: [{ pack: "nowhere" }] }, "packs"],
      ["a parameter that the pack has not", { packs: [{ pack: "openai", with: { modells: ["gpt-5*"] } }] }, "modells"],
      ["a limit that is misspelt", { hosts: [{ name: HOST, json: { "/amount": { type: "number", maxx: 100 } } }] }, "hosts.0.json./amount: Unrecognized key: \"maxx\""],
      ["an argument rule that says nothing", { hosts: [{ name: HOST, mcp: { tools: [{ name: "a", arguments: { path: {} } }] } }] }, "says nothing"],
      ["an expression that is none", { hosts: [{ name: HOST, json: { "/a": { matches: "(" } } }] }, "no regular expression"],
    ])("of %s is kept, has no effect, and says why in its status", async (name, data, message) => {
      const named = `wrong-${name.replaceAll(/[^a-z]+/g, "-")}`.slice(0, 60).replace(/-$/, "");
      await plane.api.create(TYPES.egressPolicies, own("EgressPolicy", named, { data }));
      await eventually("it is judged", async () => (await stateOf(named, "Accepted"))?.status === "False", 20_000);
      expect(await stateOf(named, "Accepted")).toMatchObject({ reason: "InvalidData" });
      expect((await statusOf(named))?.problems?.map((problem) => problem.message)).toContainEqual(expect.stringContaining(message));
    });
  });

  describe("a question", () => {
    test("is answered by the owner of the thread, who is told that the request went on, and by nobody else", async () => {
      const answer = charge(500);
      const { id, details } = await question("charge.large");
      expect(details).toEqual(['  "amount" = 500']);
      expect(await approvals("eve", "ls")).toMatchObject({ code: 0, out: "" });
      expect((await approvals("eve", "allow", id)).code).toBe(1);
      expect(await approvals("alice", "allow", id, "--why", "agreed")).toMatchObject({ code: 0, err: "allowed: the request went on" });
      expect((await answer).status).toBe(200);
      await eventually("the record", () => exchangesOf(stand.records, "closed").some(({ decision }) => decision?.approval?.id === id));
      expect(exchangesOf(stand.records, "closed").find(({ decision }) => decision?.approval?.id === id)?.decision?.approval)
        .toMatchObject({ outcome: "allowed", by: "system:serviceaccount:team:alice", reason: "agreed", scope: "once" });
    });

    test("of MCP is refused in the words of MCP, and a yes for the thread holds until it is revoked", async () => {
      const refused = call("delete_file", { path: "/a" });
      expect(await approvals("alice", "deny", (await question("tools.delete")).id, "--why", "not this one")).toMatchObject({ code: 0, err: "denied: the request was refused" });
      expect(await refused).toContain("A person refused it: not this one");
      const allowed = call("delete_file", { path: "/b" });
      const { id } = await question("tools.delete");
      expect(await approvals("alice", "allow", id, "--thread")).toMatchObject({ code: 0, err: "allowed: the request went on" });
      expect([await allowed, await call("delete_file", { path: "/c" })]).toEqual(["done", "done"]);
      expect(await approvals("alice", "revoke", id)).toMatchObject({ code: 0, err: "revoked" });
      await eventually("a question again", async () => {
        const asked = call("delete_file", { path: "/d" });
        const isAsked = await Promise.race([asked.then(() => false), question("tools.delete").then(() => true)]);
        if (isAsked) await approvals("alice", "deny", (await question("tools.delete")).id);
        await asked;
        return isAsked;
      }, 20_000);
    });

    test("that nobody answers expires at its node, and at the controller", async () => {
      expect(JSON.parse((await send("PUT", `https://${HOST}/x`, {})).body)).toMatchObject({ error: "approval.expired" });
      await eventually("nothing waits", async () => (await waiting()).length === 0, 10_000);
    });

    test("outlives a restart of the controller: it is answered by the next one", async () => {
      const answer = charge(700);
      const { id } = await question("charge.large");
      await controller.stop();
      controller = await startController();
      await eventually("that it waits there", async () => (await waiting()).some((one) => one.id === id), 20_000);
      expect(await approvals("alice", "allow", id)).toMatchObject({ code: 0, err: "allowed: the request went on" });
      expect((await answer).status).toBe(200);
    });
  });
}, 180_000);
