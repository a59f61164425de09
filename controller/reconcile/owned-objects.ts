import type { KubeObject, ObjectMeta, OwnerReference } from "../../common/kube/kube-api.ts";
import { GROUP, LABELS, MANAGED_BY_CONTROLLER } from "../../common/labels.ts";
import type { Thread } from "../resources/thread.ts";
import type { ClaimFacts } from "./facts.ts";
import { podNameOf } from "./names.ts";
import { START_ANNOTATION, type StartMark } from "./pod-facts.ts";

/** On a claim: UID of the Thread that it was made for. One that outlives its thread has no owner to tell. */
export const THREAD_UID_ANNOTATION = "weir.dev/thread-uid";

/** Whatever the pod's author has put there, its name, owner and mark are those by which the reconciler finds it again. */
export function stampPod(pod: KubeObject, thread: Thread, start: StartMark): KubeObject {
  const stamped = { name: podNameOf(thread.metadata.name), labels: labelsOf(pod, thread), ownerReferences: [ownerOf(thread)] };
  const annotations = { ...pod.metadata.annotations, [START_ANNOTATION]: JSON.stringify(start) };
  return { ...pod, metadata: { ...pod.metadata, namespace: thread.metadata.namespace, ...stamped, annotations } };
}

/** The same for a claim. One without an owner stays so: it is kept when its thread goes. */
export function stampClaim(claim: KubeObject, thread: Thread): KubeObject {
  const isOwned = (claim.metadata.ownerReferences ?? []).length > 0;
  const annotations = { ...claim.metadata.annotations, [THREAD_UID_ANNOTATION]: thread.metadata.uid };
  const metadata: ObjectMeta = { ...claim.metadata, namespace: thread.metadata.namespace, labels: labelsOf(claim, thread), annotations };
  return { ...claim, metadata: isOwned ? { ...metadata, ownerReferences: [ownerOf(thread)] } : metadata };
}

export function readClaim(claim: KubeObject, threadUid: string): ClaimFacts {
  const { metadata } = claim;
  const status = claim["status"] as { readonly phase?: unknown } | undefined;
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    isDeleting: metadata.deletionTimestamp !== undefined,
    ownership: ownershipOf(claim, threadUid),
    isOwned: (metadata.ownerReferences ?? []).length > 0,
    isLost: status?.phase === "Lost",
  };
}

function ownershipOf({ metadata }: KubeObject, threadUid: string): ClaimFacts["ownership"] {
  const madeFor = metadata.labels?.[LABELS.managedBy] === MANAGED_BY_CONTROLLER ? metadata.annotations?.[THREAD_UID_ANNOTATION] : undefined;
  if (madeFor === undefined) return "foreign";
  return madeFor === threadUid ? "ours" : "predecessor";
}

const labelsOf = (object: KubeObject, thread: Thread) => ({
  ...object.metadata.labels, [LABELS.managedBy]: MANAGED_BY_CONTROLLER, [LABELS.thread]: thread.metadata.name, [LABELS.agent]: thread.spec.agent,
});

function ownerOf({ metadata }: Thread): OwnerReference {
  return { apiVersion: `${GROUP}/v1alpha1`, kind: "Thread", name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}
