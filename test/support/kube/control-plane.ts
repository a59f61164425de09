import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { readEnvironment } from "../../../common/config.ts";
import { obtainKubernetes, type KubernetesPrograms } from "../../../tools/kubernetes.ts";
import { startApiServer, startEtcd } from "./api-server.ts";
import { callKube, type KubeAnswer, type KubeIdentity } from "./cluster-connection.ts";
import { prepareClusterFiles, type ClusterFiles } from "./cluster-files.ts";
import { startFakeCluster } from "./fake-cluster.ts";
import type { ServerProcess } from "./server-process.ts";

export interface ControlPlaneOptions {
  /** 1: etcd and the API server; what the controller manager does elsewhere (default service accounts, garbage collection, aggregated roles such as `view`) is missing. 2: the controller manager, the scheduler and kwok besides, so that pods are scheduled, "run" and are collected. */
  readonly level: 1 | 2;
  /** Fake nodes of level 2, default 3: `fake-0`, `fake-1`, … */
  readonly nodes?: number;
  /** More flags of kube-apiserver. */
  readonly apiServerArgs?: readonly string[];
}

/** What a token of a service account is asked for with. */
export interface TokenWish {
  readonly audience: string;
  /** At least 600 (a limit of the API server). */
  readonly seconds: number;
  /** Binds the token to this pod of the account's namespace: it dies with it. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

/** A real control plane on loopback addresses, for this test alone. */
export interface ControlPlane {
  readonly url: string;
  readonly caPem: string;
  /** Issuer of the service account tokens; their keys are at `${url}/openid/v1/jwks`. */
  readonly issuer: string;
  /** Holds everything, logs too; removed by `stop`. */
  readonly folder: string;
  /** A user of the group system:masters. */
  readonly admin: KubeIdentity;
  readonly adminKubeconfig: string;
  /** A client certificate for any user and groups, e.g. `system:node:a` of `system:nodes`, or `system:serviceaccount:ns:name`. */
  identity(user: string, groups?: readonly string[]): Promise<KubeIdentity>;
  /** TokenRequest. @param account `namespace/name` */
  tokenFor(account: string, wish: TokenWish): Promise<string>;
  /** One request as the admin. Never throws for a status. */
  call(method: string, path: string, body?: object): Promise<KubeAnswer>;
  /** @throws Error with what kubectl printed if it does not exit 0 */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** With the service account `default`, which pods need; on level 1 nothing else makes it. */
  createNamespace(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  killApiServer(): Promise<void>;
  /** After `killApiServer`, at the same address. */
  startApiServer(): Promise<void>;
  /** Ended properly and started again. */
  restartApiServer(): Promise<void>;
  stop(): Promise<void>;
}

const KUBECTL_DEADLINE_MS = 60_000;
const OUTPUT_LIMIT_BYTES = 64 << 20;

/** Programs that each level needs; tests skip or build by them (tools/kubernetes.ts). */
export const PROGRAMS_OF_LEVEL = {
  1: ["etcd", "apiserver", "kubectl"],
  2: ["etcd", "apiserver", "kubectl", "controllerManager", "scheduler", "kwok", "kwokStages"],
} as const satisfies Record<1 | 2, readonly (keyof KubernetesPrograms)[]>;

/** Starts a control plane; level 1 takes about 5 s, level 2 about 10 s. Builds missing programs first. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const programs = await obtainKubernetes(readEnvironment(), (line) => { process.stderr.write(`${line}\n`); }, PROGRAMS_OF_LEVEL[options.level]);
  const folder = await mkdtemp(join(tmpdir(), "weir-kube-"));
  const servers: ServerProcess[] = [];
  try {
    const files = await prepareClusterFiles(folder);
    const etcd = await startEtcd(programs.etcd, folder);
    servers.push(etcd.process);
    const startServerAgain = async () => startApiServer({ program: programs.apiserver, files, etcdUrl: etcd.url, extraArgs: options.apiServerArgs ?? [] });
    const apiServer = { current: await startServerAgain(), start: startServerAgain };
    servers.push(apiServer.current);
    if (options.level === 2) servers.push(...await startFakeCluster(programs, files, options.nodes ?? 3));
    return controlPlane({ files, kubectl: programs.kubectl, apiServer, others: servers.filter((each) => each !== apiServer.current) }, await files.kubeconfig("admin", files.admin));
  } catch (error) {
    await endAll(servers, folder);
    throw error;
  }
}

interface Parts {
  readonly files: ClusterFiles;
  readonly kubectl: string;
  readonly apiServer: { current: ServerProcess; start(): Promise<ServerProcess> };
  readonly others: readonly ServerProcess[];
}

function controlPlane({ files, kubectl, apiServer, others }: Parts, adminKubeconfig: string): ControlPlane {
  const { admin, caPem, folder, issuer, url } = files;
  const call: ControlPlane["call"] = async (method, path, body) => callKube(admin, method, path, body);
  const startAgain = async () => { apiServer.current = await apiServer.start(); };
  return {
    url, caPem, issuer, folder, admin, adminKubeconfig, call,
    identity: files.identity,
    tokenFor: async (account, wish) => requestToken(admin, account, wish),
    kubectl: async (args, stdin) => runKubectl(kubectl, [`--kubeconfig=${adminKubeconfig}`, ...args], folder, stdin),
    createNamespace: async (name, labels) => createNamespace(admin, name, labels ?? {}),
    killApiServer: async () => apiServer.current.kill(),
    startApiServer: startAgain,
    restartApiServer: async () => {
      await apiServer.current.end();
      await startAgain();
    },
    stop: async () => endAll([...others, apiServer.current], folder),
  };
}

/** Killed, not asked: what they hold goes with the folder. */
async function endAll(servers: readonly ServerProcess[], folder: string): Promise<void> {
  await Promise.all(servers.map(async (server) => server.kill()));
  await rm(folder, { recursive: true, force: true });
}

async function requestToken(admin: KubeIdentity, account: string, wish: TokenWish): Promise<string> {
  const [namespace = "", name = ""] = account.split("/");
  const bound = wish.pod === undefined ? {} : { boundObjectRef: { apiVersion: "v1", kind: "Pod", ...wish.pod } };
  const spec = { audiences: [wish.audience], expirationSeconds: wish.seconds, ...bound };
  const { status, body } = await callKube(admin, "POST", `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec });
  if (status !== 201) throw new Error(`token for ${account}: ${status} ${JSON.stringify(body)}`);
  return (body["status"] as { token: string }).token;
}

async function createNamespace(admin: KubeIdentity, name: string, labels: Readonly<Record<string, string>>): Promise<void> {
  const namespace = await callKube(admin, "POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  if (namespace.status !== 201) throw new Error(`namespace ${name}: ${namespace.status} ${JSON.stringify(namespace.body)}`);
  const account = await callKube(admin, "POST", `/api/v1/namespaces/${name}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } });
  // On level 2 the controller manager may have been first.
  if (account.status !== 201 && account.status !== 409) throw new Error(`service account of ${name}: ${account.status} ${JSON.stringify(account.body)}`);
}

async function runKubectl(kubectl: string, args: readonly string[], home: string, stdin = ""): Promise<string> {
  const running = promisify(execFile)(kubectl, args, { timeout: KUBECTL_DEADLINE_MS, maxBuffer: OUTPUT_LIMIT_BYTES, env: { HOME: home, PATH: "/usr/bin:/bin" } });
  running.child.stdin?.end(stdin);
  const { stdout } = await running.catch((error: Error & { stderr?: string }) => { throw new Error(`kubectl ${args.slice(1).join(" ")}: ${error.stderr ?? error.message}`); });
  return stdout;
}
