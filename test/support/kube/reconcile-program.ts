/**
 * The reconciler as a program that tests can kill: over a real API server and a real PostgreSQL, leading without asking anybody. Says `ready` on
 * standard output. Ends at SIGTERM.
 */
import { readFileSync } from "node:fs";
import { systemClock } from "../../../common/clock.ts";
import type { KubeObject } from "../../../common/kube/kube-api.ts";
import { openInformer } from "../../../common/kube/informer.ts";
import { openLog, type LogLevel } from "../../../common/log.ts";
import { volumeClaims } from "../../../controller/pods/volume-claims.ts";
import { reconcileConfig } from "../../../controller/reconcile/config.ts";
import { claimNameOf, podNameOf } from "../../../controller/reconcile/names.ts";
import type { ReconcilerDeps } from "../../../controller/reconcile/ports.ts";
import { runReconciler } from "../../../controller/reconcile/reconciler.ts";
import type { Agent } from "../../../controller/resources/agent.ts";
import type { Thread } from "../../../controller/resources/thread.ts";
import { threadsConfig } from "../../../controller/threads/config.ts";
import { openThreadStore } from "../../../controller/threads/open-thread-store.ts";
import { openApiAs, type KubeIdentity } from "./cluster-connection.ts";

/** What the file named by the first argument holds, as JSON. */
export interface ReconcileProgram {
  readonly identity: KubeIdentity;
  /** File with the URL of PostgreSQL; without it the store is in memory. */
  readonly urlFile?: string;
  readonly logLevel: LogLevel;
  readonly reconcile: Readonly<Record<string, unknown>>;
}

/** A pod that any API server takes and any fake node runs. The real one is made by controller/pods, which has tests of its own. */
export function plainPod(thread: Thread, agent: Agent): KubeObject {
  const volumes = agent.spec.volumes.map(({ name }) => ({ name, persistentVolumeClaim: { claimName: claimNameOf(thread.metadata.name, name) } }));
  const container = { name: "agent", image: agent.spec.image ?? "", volumeMounts: agent.spec.volumes.map(({ name, mountPath }) => ({ name, mountPath })) };
  return {
    apiVersion: "v1", kind: "Pod", metadata: { name: podNameOf(thread.metadata.name) },
    spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers: [container], volumes },
  };
}

/** The reconciler's needs, over real parts. */
export function realDeps(parts: Pick<ReconcilerDeps, "kube" | "store" | "log">, reconcile: Readonly<Record<string, unknown>>): ReconcilerDeps {
  return {
    ...parts, clock: systemClock, config: reconcileConfig.parse(reconcile),
    openInformer: (type, query, select) => openInformer(parts.kube, type, query, { log: parts.log, select }),
    instancePod: plainPod,
    volumeClaims: (thread, agent) => volumeClaims(thread, agent, (volume) => claimNameOf(thread.metadata.name, volume)),
    record: () => undefined,
    metrics: { queueDepth: () => undefined, reconciled: () => undefined, acted: () => undefined, signalToPod: () => undefined },
  };
}

async function main(file: string): Promise<void> {
  const program = JSON.parse(readFileSync(file, "utf8")) as ReconcileProgram;
  const log = openLog("reconcile", program.logLevel);
  const kube = openApiAs(program.identity);
  const store = await openThreadStore(threadsConfig.parse(program.urlFile === undefined ? {} : { urlFile: program.urlFile }), log);
  const stop = new AbortController();
  process.once("SIGTERM", () => { stop.abort(); });
  process.stdout.write("ready\n");
  await runReconciler(realDeps({ kube, store, log }, program.reconcile), stop.signal);
  await Promise.all([store.close(), kube.close()]);
}

if (import.meta.main) await main(process.argv[2] ?? "");
