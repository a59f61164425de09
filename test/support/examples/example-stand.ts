import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { createWeirClient, dataOf, type WeirClient } from "../../../client/client.ts";
import { readEnvironment } from "../../../common/config.ts";
import type { KubeObject } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { dummiesOf } from "../../../controller/boundary/grants.ts";
import { RegoBuilder } from "../../../controller/boundary/build.ts";
import { compileBoundary } from "../../../controller/boundary/compile-boundary.ts";
import { publishBoundary } from "../../../controller/boundary/publish.ts";
import { RegoChecks } from "../../../controller/boundary/rego-checks.ts";
import { readResources } from "../../../controller/boundary/resources.ts";
import { instancePod } from "../../../controller/pods/instance-pod.ts";
import { readAgent, readCredentialGrant, readThread } from "../../../controller/resources/read.ts";
import { claimNameOf, podNameOf } from "../../../controller/reconcile/names.ts";
import type { ReadContainer } from "../../../controller/resources/pod.ts";
import { ROOT } from "../../structure/repository.ts";
import { startApi, tokenFor, type ApiStand } from "../api/api-stand.ts";
import { settings } from "../boundary-resources.ts";
import { ClusterStand, type Caller } from "../cluster-stand.ts";
import { MemoryTokens } from "../memory-tokens.ts";
import { mintAuthority, type TestAuthority } from "../tls-authority.ts";
import { startVault, type VaultStandIn } from "../vault-stand-in.ts";
import { eventually } from "../whole-proxy.ts";
import { entryPointOf, manifestsOf } from "./manifests.ts";
import { startService, type Service, type ServiceAnswer } from "./service.ts";

export const NAMESPACE = "agents";
const NODE = "node-1";
const TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
const CAPTURE = join(import.meta.dirname, "capture.mjs");
const VAULT_TOKEN = "the-proxys-vault-token";
const ANSWER_LIMIT_MS = 20_000;
/** For the hook that starts a stand: a database, a proxy and the API come up, on a machine that may have other things to do. */
export const START_LIMIT_MS = 60_000;

export interface ExampleWish {
  /** Folder below examples/, whose manifests are applied. */
  readonly example: string;
  /** Destinations by their names, and how each answers. */
  readonly services: Readonly<Record<string, ServiceAnswer>>;
  /** Secrets of the namespace, by path and key. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** One instance: its pod, its sidecar's stand-in, and its process if it runs one. */
export interface RunningInstance {
  readonly thread: string;
  readonly pod: KubeObject;
  readonly caller: Caller;
  readonly environment: Readonly<Record<string, string>>;
  /** Ports of the sidecar's stand-in by `name:port` of the destination. */
  readonly ports: Readonly<Record<string, number>>;
  readonly process: ChildProcess | null;
  output(): string;
  /** As the kubelet does it; resolves to the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/**
 * An example as in a cluster: its manifests compiled into a boundary, a whole node proxy that takes it, the controller's API over TLS with the embedded
 * store, and its programs as processes whose connections reach the proxy as a sidecar would bring them. In memory are only the cluster and Vault.
 */
export class ExampleStand {
  readonly api: ApiStand;
  readonly cluster: ClusterStand;
  readonly services: ReadonlyMap<string, Service>;
  readonly client: WeirClient;
  readonly instances: RunningInstance[] = [];
  readonly #parts: Parts;
  #addresses = 1;

  private constructor(parts: Parts, api: ApiStand, cluster: ClusterStand) {
    this.#parts = parts;
    this.api = api;
    this.cluster = cluster;
    this.services = parts.services;
    this.client = createWeirClient({ url: `https://127.0.0.1:${api.api.port}`, token: tokenFor("ann"), ca: parts.authority.caPem });
  }

  static async start(wish: ExampleWish): Promise<ExampleStand> {
    const authority = await mintAuthority();
    const api = await startApi({ tls: await authority.leaf(["weir.internal", "127.0.0.1"]), api: { pollIntervalMs: 100 } });
    const tokens = await shareReviews(api);
    for (const { type, object } of manifestsOf(wish.example, NAMESPACE)) await api.cluster.create(type, object);
    await publish(api);
    const parts = { wish, authority, tokens, directory: mkdtempSync(join(tmpdir(), "weir-example-")), ...await startOutside(wish, authority) };
    const cluster = await startNode(parts, api);
    const stand = new ExampleStand(parts, api, cluster);
    writeFileSync(stand.caFile, cluster.proxy.caPem);
    api.addUser("ann");
    api.allowCreating("ann", NAMESPACE);
    await eventually("the node proxy has the boundary", async () => await cluster.readyz() === 200, ANSWER_LIMIT_MS);
    return stand;
  }

  get caFile(): string {
    return join(this.#parts.directory, "boundary.pem");
  }

  /** Opens a thread as ann does it. */
  async openThread(agent: string, message?: string): Promise<string> {
    const body = { agent, ...(message === undefined ? {} : { message }) };
    return dataOf(await this.client.api.POST("/v1/namespaces/{namespace}/threads", { params: { path: { namespace: NAMESPACE } }, body })).thread.name;
  }

  async post(thread: string, body: string): Promise<void> {
    dataOf(await this.client.api.POST("/v1/namespaces/{namespace}/threads/{thread}/messages", { params: { path: { namespace: NAMESPACE, thread } }, body: { body } }));
  }

  async messages(thread: string) {
    return dataOf(await this.client.api.GET("/v1/namespaces/{namespace}/threads/{thread}/messages", { params: { path: { namespace: NAMESPACE, thread } } })).messages;
  }

  /** What the agent said, waited for. */
  async answers(thread: string, count = 1): Promise<string[]> {
    const said = async () => (await this.messages(thread)).filter(({ isForAgent }) => !isForAgent).map(({ body }) => body);
    await eventually(`${count} answers in ${thread}; ${this.instances.map((each) => each.output()).join("")}`, async () => (await said()).length >= count, ANSWER_LIMIT_MS);
    return said();
  }

  async threads(): Promise<readonly KubeObject[]> {
    return (await this.api.cluster.list(TYPES.threads, { namespace: NAMESPACE })).items;
  }

  /** What the reconciler does: a pod for the thread, as the controller makes it, and its program. @param program default what its image starts */
  async startInstance(thread: string, { stage, program }: { readonly stage?: string; readonly program?: null } = {}): Promise<RunningInstance> {
    const { pod, container } = await this.#createPod(thread);
    this.#addresses += 1;
    const caller = { token: await this.#parts.tokens.for(pod), address: `127.0.0.${this.#addresses}` };
    const { ports, close } = await this.#sidecar(caller);
    const environment = this.#environment(container, ports);
    const argv = program === null ? null : [...entryPointOf(this.#parts.wish.example, stage ?? null), ...(container["args"] as readonly string[] | undefined ?? [])];
    const child = argv === null ? null : this.#spawn(argv, environment);
    const instance = { thread, pod, caller, environment, ports, ...supervise(child, close) };
    this.instances.push(instance);
    return instance;
  }

  async stop(): Promise<void> {
    for (const instance of this.instances) await instance.stop("SIGKILL");
    await this.client.close();
    await this.cluster.stop();
    await this.api.close();
    await this.#parts.vault.close();
    for (const service of this.#parts.services.values()) await service.close();
    rmSync(this.#parts.directory, { recursive: true, force: true });
  }

  async #createPod(threadName: string): Promise<{ readonly pod: KubeObject; readonly container: ReadContainer }> {
    const { cluster } = this.api;
    const [thread, grants] = [await cluster.get(TYPES.threads, { namespace: NAMESPACE, name: threadName }), await cluster.list(TYPES.credentialGrants, { namespace: NAMESPACE })];
    const read = readable(readThread(must(thread)));
    const agent = readable(readAgent(must(await cluster.get(TYPES.agents, { namespace: NAMESPACE, name: read.spec.agent }))));
    const held = grants.items.map((grant) => readable(readCredentialGrant(grant))).filter(({ metadata }) => agent.spec.grants.includes(metadata.name));
    const made = instancePod(read, agent, {
      settings: {
        images: { init: "init", sidecar: "sidecar", pullPolicy: "Never" }, proxy: { addresses: ["10.96.0.9"], port: 15_008 }, caPem: this.cluster.proxy.caPem,
        redirect: "init", tokenLifetimeSeconds: 600, controllerUser: "system:serviceaccount:weir-system:weir-controller",
      },
      podName: podNameOf(threadName), claimName: (volume) => claimNameOf(threadName, volume), dummies: { agent: { variables: Object.assign({}, ...held.map((grant) => dummiesOf(grant).variables)) as Record<string, string>, files: {} } },
    });
    if (made.kind === "refused") throw new Error(made.problems.join(" "));
    const status = { phase: "Running", podIPs: [{ ip: `127.0.0.${this.#addresses + 1}` }] };
    const object = { ...made.pod, spec: { ...made.pod.spec, nodeName: NODE }, status } as unknown as KubeObject;
    const container = made.pod.spec.containers.find(({ name }) => name === "agent");
    return { pod: await cluster.create(TYPES.pods, object), container: must(container) };
  }

  /** A port for each name that the program may dial; what comes goes to the proxy as the sidecar brings it. */
  async #sidecar(caller: Caller): Promise<{ readonly ports: Record<string, number>; readonly close: () => void }> {
    const servers: Server[] = [];
    const ports: Record<string, number> = {};
    for (const name of ["weir.internal", ...this.services.keys()]) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on("error", () => {});
        const relay = async () => {
          const upstream = await this.cluster.dial(caller, { address: await this.cluster.resolve(caller, name), port: 443 });
          await Promise.all([pipeline(socket, upstream), pipeline(upstream, socket)]);
        };
        relay().catch(() => { socket.destroy(); });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      ports[`${name}:443`] = (server.address() as AddressInfo).port;
      servers.push(server);
    }
    return { ports, close: () => { for (const server of servers) server.close(); } };
  }

  /** The container's own environment; the trust files are elsewhere, because nobody mounts them here. */
  #environment({ env = [] }: ReadContainer, ports: Readonly<Record<string, number>>): Record<string, string> {
    const own = Object.fromEntries(env.map(({ name, value }) => [name, typeof value === "string" ? value.replace(/^\/weir\/trust\/ca(-bundle)?\.crt$/, this.caFile) : ""]));
    const { JAVA_TOOL_OPTIONS: _, ...rest } = own;
    const capture = `${pathToFileURL(CAPTURE).href}?ports=${encodeURIComponent(JSON.stringify(ports))}`;
    return { PATH: `${join(ROOT, "node_modules/.bin")}:${readEnvironment()["PATH"] ?? ""}`, ...rest, NODE_OPTIONS: `--import=${capture}` };
  }

  #spawn(argv: readonly string[], environment: Readonly<Record<string, string>>): ChildProcess {
    const inCheckout = (word: string) => word.replace(/^\/app\//, `${join(ROOT, "examples", this.#parts.wish.example)}/`).replace(/^\/usr\/local\/bin\/node$/, process.execPath);
    const [command = "", ...args] = argv.map(inCheckout);
    return spawn(command, args, { env: environment, stdio: ["ignore", "pipe", "pipe"], cwd: this.#parts.directory });
  }
}

interface Parts {
  readonly wish: ExampleWish;
  readonly authority: TestAuthority;
  readonly tokens: MemoryTokens;
  readonly directory: string;
  readonly services: ReadonlyMap<string, Service>;
  readonly vault: VaultStandIn;
}

/** The cluster reviews tokens of pods and of everybody else. */
async function shareReviews(api: ApiStand): Promise<MemoryTokens> {
  const others = api.cluster.answers.get(TOKEN_REVIEWS);
  const tokens = await MemoryTokens.of(api.cluster);
  const pods = api.cluster.answers.get(TOKEN_REVIEWS);
  api.cluster.answers.set(TOKEN_REVIEWS, (body) => {
    const { audiences } = (body as { readonly spec: { readonly audiences?: readonly string[] } }).spec;
    return audiences?.includes("weir-proxy") === true ? pods?.(body) : others?.(body);
  });
  return tokens;
}

/** Compiles what is in the cluster, and writes it where the node proxies read it. */
async function publish({ cluster, api }: ApiStand): Promise<void> {
  const listOf = async (type: (typeof TYPES)[keyof typeof TYPES]) => {
    const { items } = await cluster.list(type, {});
    return { list: () => items };
  };
  const resources = readResources({
    agents: await listOf(TYPES.agents), egressPolicies: await listOf(TYPES.egressPolicies),
    credentialGrants: await listOf(TYPES.credentialGrants), budgets: await listOf(TYPES.budgets),
  });
  const { signal } = new AbortController();
  const compiler = { checks: new RegoChecks(null), builder: new RegoBuilder(null), settings: settings({}, { address: "127.0.0.1", port: api.port }) };
  const { plan, packed } = await compileBoundary(resources, compiler, signal);
  const missing = [...plan.agents.values()].flatMap((outcome) => outcome?.missing ?? []);
  const problems = [...plan.policies.values()].flatMap((outcome) => [...outcome.problems, ...outcome.unresolved]);
  if (missing.length + problems.length > 0) throw new Error(JSON.stringify({ missing, problems }));
  await publishBoundary(cluster, packed, { namespace: "weir-system", before: null }, signal);
}

async function startOutside(wish: ExampleWish, authority: TestAuthority): Promise<{ readonly services: ReadonlyMap<string, Service>; readonly vault: VaultStandIn }> {
  const services = new Map<string, Service>();
  for (const [name, answer] of Object.entries(wish.services)) services.set(name, await startService(await authority.leaf([name]), answer));
  const vault = await startVault({ token: VAULT_TOKEN });
  for (const [path, data] of Object.entries(wish.secrets)) vault.secrets.set(`secret/data/weir/${NAMESPACE}/${path}`, { data, version: 1 });
  return { services, vault };
}

async function startNode({ directory, authority, services, vault }: Parts, { cluster }: ApiStand): Promise<ClusterStand> {
  const files = { controllerToken: join(directory, "controller-token"), ca: join(directory, "destinations.pem"), vaultToken: join(directory, "vault-token") };
  writeFileSync(files.controllerToken, tokenFor(`proxy-on-${NODE}`));
  writeFileSync(files.ca, authority.caPem);
  writeFileSync(files.vaultToken, `${VAULT_TOKEN}\n`, { mode: 0o600 });
  return ClusterStand.start({
    api: cluster, authority, routes: [...services].map(([name, { port }]) => ({ name, port: 443, dialPort: port })),
    cluster: { nodeName: NODE, controller: { tokenFile: files.controllerToken, caFile: files.ca } },
    config: { credentials: { vault: { address: vault.address, tokenFile: files.vaultToken } } },
  });
}

function supervise(child: ChildProcess | null, close: () => void): Pick<RunningInstance, "process" | "output" | "stop"> {
  let output = "";
  child?.stdout?.on("data", (text: Buffer) => { output += text.toString(); });
  child?.stderr?.on("data", (text: Buffer) => { output += text.toString(); });
  const exited = child === null ? null : once(child, "exit") as Promise<[number | null]>;
  return {
    process: child, output: () => output,
    stop: async (signal = "SIGTERM") => {
      child?.kill(signal);
      const code = exited === null ? null : (await exited)[0];
      close();
      return code;
    },
  };
}

function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("it is not there");
  return value;
}

function readable<T>(reading: { readonly isReadable: true; readonly resource: T } | { readonly isReadable: false }): T {
  if (!reading.isReadable) throw new Error("it cannot be read");
  return reading.resource;
}
