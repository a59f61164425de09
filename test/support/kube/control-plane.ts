import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readEnvironment } from "../../../common/config.ts";
import { obtainKubernetes, type KubernetesPrograms } from "../../../tools/kubernetes.ts";
import { startApiServer, startEtcd } from "./api-server.ts";
import { clusterActions, type ClusterActions } from "./cluster-actions.ts";
import { prepareClusterFiles } from "./cluster-files.ts";
import { startFakeCluster } from "./fake-cluster.ts";
import { freePort } from "../free-port.ts";
import type { ServerProcess } from "./server-process.ts";

export interface ControlPlaneOptions {
  /**
   * 1: etcd and the API server; what the controller manager does elsewhere (default service accounts, garbage collection, aggregated roles
   * such as `view`) is missing. 2: the controller manager, the scheduler and kwok besides, so that pods are scheduled, "run" and are collected.
   */
  readonly level: 1 | 2;
  /** Fake nodes of level 2, default 3: `fake-0`, `fake-1`, … */
  readonly nodes?: number;
  /** More flags of kube-apiserver. */
  readonly apiServerArgs?: readonly string[];
}

/** A real control plane on loopback addresses, for this test alone. */
export interface ControlPlane extends ClusterActions {
  killApiServer(): Promise<void>;
  /** After `killApiServer`, at the same address. */
  startApiServer(): Promise<void>;
  /** Ended properly and started again. */
  restartApiServer(): Promise<void>;
  stop(): Promise<void>;
}

/** Programs that each level needs; tests skip or build by them (tools/kubernetes.ts). */
export const PROGRAMS_OF_LEVEL = {
  1: ["etcd", "apiserver", "kubectl"],
  2: ["etcd", "apiserver", "kubectl", "controllerManager", "scheduler", "kwok", "kwokStages"],
} as const satisfies Record<1 | 2, readonly (keyof KubernetesPrograms)[]>;

const LOOPBACK = "127.0.0.1";
const SERVICES = "10.79.96.0/24";

/** Starts a control plane; level 1 takes about 3 s, level 2 about 5 s. Builds missing programs first. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const programs = await obtainKubernetes(readEnvironment(), (line) => { process.stderr.write(`${line}\n`); }, PROGRAMS_OF_LEVEL[options.level]);
  const folder = await mkdtemp(join(tmpdir(), "weir-kube-"));
  const servers: ServerProcess[] = [];
  const stop = async () => {
    // Killed, not asked: what they hold goes with the folder.
    await Promise.all(servers.map(async (server) => server.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const files = await prepareClusterFiles(folder, LOOPBACK, await freePort());
    const etcd = await startEtcd(programs.etcd, folder);
    servers.push(etcd.process);
    const apiServerArgs = ["--endpoint-reconciler-type=none", ...options.apiServerArgs ?? []];
    const start = async () => startApiServer({ program: programs.apiserver, files, etcdUrl: etcd.url, services: SERVICES, extraArgs: apiServerArgs });
    const restarts = restartable(servers, await start(), start);
    if (options.level === 2) servers.push(...await startFakeCluster(programs, files, options.nodes ?? 3));
    const actions = await clusterActions(files, programs.kubectl);
    return {
      ...actions, ...restarts,
      stop: async () => {
        await actions.api.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The API server's place in `servers`, which are stopped at last, is kept up to date. */
export function restartable(servers: ServerProcess[], first: ServerProcess, start: () => Promise<ServerProcess>): Pick<ControlPlane, "killApiServer" | "startApiServer" | "restartApiServer"> {
  const place = servers.push(first) - 1;
  let current = first;
  const startAgain = async () => { servers[place] = current = await start(); };
  return {
    killApiServer: async () => current.kill(),
    startApiServer: startAgain,
    restartApiServer: async () => {
      await current.end();
      await startAgain();
    },
  };
}
