import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../../common/log.ts";
import { threadsConfig } from "../../../controller/threads/config.ts";
import { openThreadStore } from "../../../controller/threads/open-thread-store.ts";
import type { ThreadStore } from "../../../controller/threads/thread-store.ts";
import { startPostgres } from "../postgres-server.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { startReconcileProcess, type ReconcileProcess } from "./reconcile-process.ts";
import { PodWitness, ThreadScene } from "./thread-scene.ts";
import { installKinds } from "./weir-kinds.ts";

/** Everything that a proof of the reconciler stands on: a control plane with fake nodes, PostgreSQL, one namespace, and controllers in processes of their own. */
export interface ThreadStage {
  readonly plane: ControlPlane;
  readonly store: ThreadStore;
  readonly scene: ThreadScene;
  readonly witness: PodWitness;
  /** @param onPod called with the milliseconds from signal to pod */
  controller(onPod?: (latencyMs: number) => void): ReconcileProcess;
  stop(): Promise<void>;
}

/** @param reconcile the controllers' configuration */
export async function startThreadStage(nodes: number, reconcile: Readonly<Record<string, unknown>>): Promise<ThreadStage> {
  const folder = mkdtempSync(join(tmpdir(), "weir-threads-"));
  const urlFile = join(folder, "url");
  const [plane, postgres] = await Promise.all([startControlPlane({ level: 2, nodes }), startPostgres()]);
  writeFileSync(urlFile, postgres.url);
  await installKinds(plane);
  await plane.createNamespace("proof");
  const store = await openThreadStore(threadsConfig.parse({ urlFile }), silentLog);
  const witness = new PodWitness();
  const end = new AbortController();
  const watching = witness.watch(plane.api, "proof", end.signal).catch(() => undefined);
  const controllers: ReconcileProcess[] = [];
  return {
    plane, store, witness, scene: new ThreadScene(plane.api, store, "proof"),
    controller: (onPod) => {
      const started = startReconcileProcess(folder, { identity: plane.admin, urlFile, logLevel: "silent", reconcile }, onPod);
      controllers.push(started);
      return started;
    },
    stop: async () => {
      end.abort();
      await watching;
      await Promise.all(controllers.filter(({ isRunning }) => isRunning).map(async (controller) => controller.kill()));
      await store.close();
      await Promise.all([plane.stop(), postgres.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
