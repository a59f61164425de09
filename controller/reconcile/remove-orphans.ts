import { KubeError, type KubeObject, type ResourceType } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { refOf, type ClusterView } from "./cluster-view.ts";
import { ownerThreadUid } from "./pod-facts.ts";
import type { ReconcilerDeps } from "./ports.ts";

/**
 * Removes what was made for a thread that is gone, where the cluster's garbage collector has not: pods, and claims that go with their thread. The
 * thread is asked for at the API server itself, because a cache that does not have it yet would say the same.
 */
export async function removeOrphans(
  key: string, view: Pick<ClusterView, "pod" | "claims">, deps: Pick<ReconcilerDeps, "kube" | "log">, signal: AbortSignal,
): Promise<void> {
  const pod = view.pod(key);
  const orphans = [
    ...pod === null ? [] : [{ type: TYPES.pods, object: pod }],
    ...view.claims(key).map((object) => ({ type: TYPES.claims, object })),
  ].filter(({ object }) => ownerThreadUid(object) !== null && object.metadata.deletionTimestamp === undefined);
  if (orphans.length === 0) return;
  const thread = await deps.kube.get(TYPES.threads, refOf(key), signal);
  for (const { type, object } of orphans) {
    if (thread !== null && thread.metadata.uid === ownerThreadUid(object)) continue;
    deps.log.info("reconcile.orphan-removed", { type: type.plural, name: object.metadata.name, thread: key });
    await remove(type, object, deps.kube, signal);
  }
}

async function remove(type: ResourceType, { metadata }: KubeObject, kube: ReconcilerDeps["kube"], signal: AbortSignal): Promise<void> {
  const uid = metadata.uid === undefined ? {} : { uid: metadata.uid };
  await kube.remove(type, metadata, { ...uid, propagation: "Background" }, signal).catch((error: unknown) => {
    if (!(error instanceof KubeError) || error.status !== 409) throw error;
  });
}
