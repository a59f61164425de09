import { request } from "node:http";
import { type Clock, systemClock } from "../../../common/clock.ts";
import type { KubeObject } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { INSTANCE_HEADER, LABELS } from "../../../common/labels.ts";
import type { LedgerStore } from "../../../common/ledger/ledger-store.ts";
import { silentLog } from "../../../common/log.ts";
import { accessConfig } from "../../../controller/access/config.ts";
import { clusterObjects } from "../../../controller/access/cluster-objects.ts";
import { openAccess } from "../../../controller/access/open-access.ts";
import { apiConfig, type ApiConfig } from "../../../controller/api/config.ts";
import { openApi, type Certificate, type OpenApi } from "../../../controller/api/open-api.ts";
import type { ApprovalStore } from "../../../controller/approvals/approval-store.ts";
import { approvalsConfig } from "../../../controller/approvals/config.ts";
import { openApprovalStore } from "../../../controller/approvals/open-approval-store.ts";
import { ledgerOfNode } from "../../../controller/ledger/governed-ledger.ts";
import type { KnownBudget, KnownBudgets } from "../../../controller/ledger/known-budgets.ts";
import { openControllerLedger } from "../../../controller/ledger/open-ledger.ts";
import { threadsConfig } from "../../../controller/threads/config.ts";
import { openDatabase, openThreadStore } from "../../../controller/threads/open-thread-store.ts";
import type { ThreadStore } from "../../../controller/threads/thread-store.ts";
import { MemoryKubeApi } from "../kube/memory-api.ts";

export const PROXY_USER = "system:serviceaccount:weir-system:weir-proxy";

/** Who a token is, as the API server's TokenReview says it. */
interface User {
  readonly username: string;
  readonly groups: readonly string[];
  readonly node?: string;
  readonly audiences?: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
}

export interface Call {
  readonly token?: string;
  readonly instance?: object;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The API over real HTTP, with the embedded database and the real policy; the cluster is in memory. */
export interface ApiStand {
  readonly api: OpenApi;
  readonly store: ThreadStore;
  readonly ledger: LedgerStore;
  readonly approvals: ApprovalStore;
  /** Budgets that the controller knows, by id. */
  readonly budgets: Map<string, KnownBudget>;
  readonly cluster: MemoryKubeApi;
  readonly url: string;
  /** Somebody whose token is `tokenFor(name)`. */
  addUser(name: string, groups?: readonly string[]): void;
  removeUser(name: string): void;
  /** Lets Kubernetes RBAC allow that user to create threads in that namespace. */
  allowCreating(user: string, namespace: string): void;
  /** Lets it allow that user to list or to update Budgets in that namespace; in all of them if it is empty. */
  allowBudgets(user: string, verb: "list" | "update", namespace: string): void;
  addAgent(name: string, spec?: object, namespace?: string): Promise<KubeObject>;
  /** A running pod that serves a thread, and what the header of its node's proxy says of it. */
  addPod(threadName: string, options?: { readonly node?: string; readonly agent?: string; readonly namespace?: string }): Promise<{ readonly namespace: string; readonly pod: string; readonly uid: string }>;
  call(method: string, path: string, options?: Call): Promise<Answer>;
  /** The same as an instance: through the proxy of its node. */
  asInstance(pod: { readonly namespace: string; readonly pod: string; readonly uid: string }, method: string, path: string, body?: unknown): Promise<Answer>;
  close(): Promise<void>;
}

const TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
const ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** @param over with `tls` the stand is asked from outside: its own `call` speaks plain HTTP */
export async function startApi(over: { readonly api?: Partial<ApiConfig>; readonly access?: object; readonly clock?: Clock; readonly tls?: Certificate } = {}): Promise<ApiStand> {
  const cluster = new MemoryKubeApi();
  const users = new Map<string, User>();
  const creators = new Set<string>();
  const keepers = new Set<string>();
  reviewTokens(cluster, users);
  cluster.answers.set(ACCESS_REVIEWS, (body) => {
    const { spec } = body as { spec: { user: string; resourceAttributes: { namespace: string; verb: string; resource: string; group: string } } };
    const { namespace, verb, resource, group } = spec.resourceAttributes;
    const isCreator = verb === "create" && resource === "threads" && creators.has(`${spec.user} ${namespace}`);
    return { status: { allowed: group === "weir.dev" && (isCreator || (resource === "budgets" && keepers.has(`${spec.user} ${verb} ${namespace}`))) } };
  });
  const clock = over.clock ?? systemClock;
  const database = await openDatabase(threadsConfig.parse({}), silentLog);
  const store = await openThreadStore(threadsConfig.parse({}), silentLog, database);
  const ledger = await openControllerLedger(database, clock);
  const approvals = await openApprovalStore(database, approvalsConfig.parse({}));
  const budgets = new Map<string, KnownBudget>();
  const known: KnownBudgets = { find: (id) => budgets.get(id) ?? null, all: () => [...budgets.values()] };
  const objects = clusterObjects(cluster);
  const access = await openAccess(accessConfig.parse({ tokenCacheMs: 0, ...over.access }), { kube: cluster, objects, clock });
  const config = apiConfig.parse({ host: "127.0.0.1", port: 0, callsPerSecond: 10_000, callBurst: 10_000, ...over.api });
  const api = await openApi(config, { store, ledger, ledgerOfNode: (node) => ledgerOfNode(ledger, node, known), budgets: known, approvals, access, objects, kube: cluster, clock, log: silentLog, tls: over.tls ?? null });
  const url = `${over.tls === undefined ? "http" : "https"}://127.0.0.1:${api.port}`;
  for (const node of ["node-1", "node-2"]) users.set(`proxy-on-${node}`, { username: PROXY_USER, groups: [], node, audiences: ["weir-controller"] });
  const call: ApiStand["call"] = async (method, path, options = {}) => callApi(url, method, path, options);
  return {
    api, store, ledger, budgets, approvals, cluster, url, call,
    addUser: (name, groups = []) => { users.set(name, { username: name, groups: [...groups, "system:authenticated"] }); },
    removeUser: (name) => { users.delete(name); },
    allowCreating: (user, namespace) => { creators.add(`${user} ${namespace}`); },
    allowBudgets: (user, verb, namespace) => { keepers.add(`${user} ${verb} ${namespace}`); },
    addAgent: async (name, spec = {}, namespace = "default") => cluster.create(TYPES.agents, { metadata: { name, namespace }, spec: { image: "agent:1", ...spec } }),
    addPod: async (threadName, options = {}) => addPod(cluster, threadName, options),
    asInstance: async (pod, method, path, body) => call(method, path, { token: tokenFor("proxy-on-node-1"), instance: pod, ...(body === undefined ? {} : { body }) }),
    close: async () => {
      await api.close();
      await access.close();
      await approvals.close();
      await store.close();
    },
  };
}

/** Looks like a JWT, as far as anybody looks before it is proven: a proxy's says that it is meant for the controller. */
export function tokenFor(name: string, audience = name.startsWith("proxy-on-") ? "weir-controller" : "api"): string {
  return `h.${Buffer.from(JSON.stringify({ aud: [audience], name })).toString("base64url")}.s`;
}

function reviewTokens(cluster: MemoryKubeApi, users: ReadonlyMap<string, User>): void {
  cluster.answers.set(TOKEN_REVIEWS, (body) => {
    const { token, audiences } = (body as { spec: { token: string; audiences?: string[] } }).spec;
    const { name } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString() || "{}") as { name?: string };
    const user = users.get(name ?? "");
    const agreed = (audiences ?? ["api"]).filter((audience) => (user?.audiences ?? ["api"]).includes(audience));
    if (user === undefined || agreed.length === 0) return { status: { authenticated: false, error: "unknown" } };
    const extra = user.node === undefined ? {} : { extra: { "authentication.kubernetes.io/node-name": [user.node] } };
    return { status: { authenticated: true, audiences: agreed, user: { username: user.username, groups: user.groups, ...extra } } };
  });
}

async function addPod(cluster: MemoryKubeApi, threadName: string, { node = "node-1", agent, namespace = "default" }: NonNullable<Parameters<ApiStand["addPod"]>[1]>) {
  const thread = await cluster.get(TYPES.threads, { namespace, name: threadName });
  const spec = thread?.["spec"] as { agent: string } | undefined;
  const name = `weir-${threadName}`;
  const pod = await cluster.create(TYPES.pods, {
    metadata: {
      name, namespace, labels: { [LABELS.agent]: agent ?? spec?.agent ?? "unknown", [LABELS.thread]: threadName },
      ownerReferences: [{ apiVersion: "weir.dev/v1alpha1", kind: "Thread", name: threadName, uid: thread?.metadata.uid ?? "" }],
    },
    spec: { nodeName: node, containers: [] }, status: { phase: "Running" },
  });
  return { namespace, pod: name, uid: pod.metadata.uid ?? "" };
}

/** Header names and bodies as they are: `fetch` would mend what these tests want broken. */
export async function callApi(url: string, method: string, path: string, { token, instance, body, headers = {} }: Call = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const outgoing = request(`${url}${path}`, {
    method, agent: false,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(instance === undefined ? {} : { [INSTANCE_HEADER]: Buffer.from(JSON.stringify(instance)).toString("base64url") }),
      ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }), ...headers,
    },
  }, (incoming) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("error", reject);
    incoming.on("end", () => {
      const raw = Buffer.concat(chunks).toString();
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: (raw === "" ? {} : JSON.parse(raw)) as Record<string, unknown> });
    });
  });
  outgoing.on("error", reject);
  outgoing.end(text);
  return promise;
}
