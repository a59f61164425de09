import type { KubeObject } from "../../common/kube/kube-api.ts";
import { GROUP, LABELS, MANAGED_BY_CONTROLLER } from "../../common/labels.ts";
import type { Agent } from "../resources/agent.ts";
import type { Thread } from "../resources/thread.ts";

/**
 * The claims behind a thread's volumes. One that is to be deleted with the thread is owned by it; one that is to stay has no owner.
 * @param claimName of controller/reconcile/names.ts
 */
export function volumeClaims(thread: Thread, agent: Agent, claimName: (volume: string) => string): KubeObject[] {
  const { metadata } = thread;
  const owner = { apiVersion: `${GROUP}/v1alpha1`, kind: "Thread", name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
  return agent.spec.volumes.map(({ name, size, storageClassName, accessMode, retention }) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: claimName(name),
      namespace: metadata.namespace,
      labels: { [LABELS.managedBy]: MANAGED_BY_CONTROLLER, [LABELS.agent]: agent.metadata.name, [LABELS.thread]: metadata.name },
      ...(retention === "Delete" ? { ownerReferences: [owner] } : {}),
    },
    spec: { accessModes: [accessMode], resources: { requests: { storage: String(size) } }, ...(storageClassName === undefined ? {} : { storageClassName }) },
  }));
}
