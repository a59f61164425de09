import { FINALIZER } from "../../common/labels.ts";
import { KubeError, type KubeObject, type ResourceType } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { unreachable } from "../../common/unreachable.ts";
import type { Agent } from "../resources/agent.ts";
import { statusApplication } from "../resources/status.ts";
import type { Thread } from "../resources/thread.ts";
import { writeFailure } from "./desired.ts";
import type { Action } from "./diff.ts";
import { readClaim, stampClaim, stampPod } from "./owned-objects.ts";
import { readPod, type Failure } from "./pod-facts.ts";
import { PodUnfit, type ReconcilerDeps } from "./ports.ts";

/** What the actions are about. */
export interface Subject {
  readonly object: KubeObject;
  readonly thread: Thread;
  readonly agent: Agent | null;
}

/** What was found out on the way and stands in the way of the rest. */
export type Outcome =
  | { readonly kind: "done" }
  /** Something under a name that we need is not ours. */
  | { readonly kind: "obstacle"; readonly message: string }
  /** The API server will not have the pod as it is; noted as a failed start. */
  | { readonly kind: "rejected" };

type Deps = Pick<ReconcilerDeps, "kube" | "store" | "instancePod" | "volumeClaims" | "record" | "metrics" | "clock">;
type ActionOf<K extends Action["kind"]> = Extract<Action, { kind: K }>;
const DONE: Outcome = { kind: "done" };

/** Does the actions in order. Stops at the first that fails, by rejecting: all of them can be done again. */
export async function apply(actions: readonly Action[], subject: Subject, deps: Deps, signal: AbortSignal): Promise<Outcome> {
  for (const action of actions) {
    signal.throwIfAborted();
    const outcome = await act(action, subject, deps, signal);
    deps.metrics.acted(action.kind);
    if (outcome.kind !== "done") return outcome;
  }
  return DONE;
}

async function act(action: Action, subject: Subject, deps: Deps, signal: AbortSignal): Promise<Outcome> {
  const { thread } = subject;
  const { uid } = thread.metadata;
  switch (action.kind) {
    case "add-finalizer": return applyTo(subject, [FINALIZER], deps, signal);
    case "ensure-row": return ensureRow(thread, deps);
    case "note-use":
      await deps.store.noteActivity(new Map([[uid, action.atMs]]));
      return DONE;
    case "create-claim": return createClaim(action, subject, deps, signal);
    case "create-pod": return createPod(action, subject, deps, signal);
    case "note-failed-start": return noteFailedStart(action.failure, action.fingerprint, subject, deps);
    case "clear-starts":
      await deps.store.clearStarts(uid);
      return DONE;
    case "delete-pod": return deletePod(action, subject, deps, signal);
    case "delete-predecessor": return remove(TYPES.pods, targetOf(subject, action), deps, signal);
    case "delete-claim": return remove(TYPES.claims, targetOf(subject, action), deps, signal);
    case "forget-row":
      await deps.store.forgetThread(uid);
      return DONE;
    case "remove-finalizer": return removeFinalizer(thread, deps, signal);
    case "write-status": return writeStatus(action, subject, deps, signal);
    default: return unreachable(action);
  }
}

async function ensureRow({ metadata: { uid, namespace, name }, spec }: Thread, { store, clock }: Deps): Promise<Outcome> {
  await store.ensureThread({ uid, namespace, name, agent: spec.agent, owner: spec.user, parentUid: spec.parent?.uid ?? null }, clock.nowMs());
  return DONE;
}

/** The UID makes it a change of this very object: under another one, or none, the API server answers 409. */
async function applyTo({ thread }: Subject, finalizers: readonly string[], { kube }: Deps, signal: AbortSignal): Promise<Outcome> {
  const { name, namespace, uid } = thread.metadata;
  const options = { fieldManager: "weir-controller-finalizer", force: true };
  await kube.apply(TYPES.threads, { ...KIND_OF_THREAD, metadata: { name, namespace, uid, finalizers } }, options, signal);
  return DONE;
}
const KIND_OF_THREAD = { apiVersion: `${TYPES.threads.group}/${TYPES.threads.version}`, kind: TYPES.threads.kind };

async function createClaim(action: ActionOf<"create-claim">, { thread, agent }: Subject, { kube, volumeClaims }: Deps, signal: AbortSignal): Promise<Outcome> {
  const { name, volume } = action;
  const claim = agent === null ? undefined : volumeClaims(thread, agent).find(({ metadata }) => metadata.name === name);
  if (claim === undefined) throw new Error(`no claim is defined for the volume ${volume}`);
  const found = await createOrFind(TYPES.claims, stampClaim(claim, thread), kube, signal);
  if (found === null || readClaim(found, thread.metadata.uid).ownership === "ours") return DONE;
  return { kind: "obstacle", message: `the claim ${name} was not made for this thread` };
}

async function createPod({ start }: ActionOf<"create-pod">, subject: Subject, deps: Deps, signal: AbortSignal): Promise<Outcome> {
  const { thread, agent } = subject;
  if (agent === null) return DONE;
  try {
    const found = await createOrFind(TYPES.pods, stampPod(deps.instancePod(thread, agent), thread, start), deps.kube, signal);
    if (found !== null && readPod(found, thread.metadata.uid).ownership !== "ours") {
      return { kind: "obstacle", message: `the pod ${found.metadata.name} was not made for this thread` };
    }
    const cause = start.oldestUnreadMs === null ? `kept warm for ${thread.spec.agent}` : `a message waits for ${thread.spec.agent}`;
    if (found === null) deps.record(subject.object, { type: "Normal", reason: "InstanceCreated", action: "Start", note: cause });
    return DONE;
  } catch (error) {
    const failure = rejectionOf(error);
    if (failure === null) throw error;
    await noteFailedStart(failure, start.fingerprint, subject, deps);
    return { kind: "rejected" };
  }
}

/** @returns null if it was made now, else what was there already */
async function createOrFind(type: ResourceType, object: KubeObject, kube: Deps["kube"], signal: AbortSignal): Promise<KubeObject | null> {
  try {
    await kube.create(type, object, signal);
    return null;
  } catch (error) {
    if (!(error instanceof KubeError) || error.reason !== "AlreadyExists") throw error;
    const found = await kube.get(type, object.metadata, signal);
    if (found === null) throw error;
    return found;
  }
}

/** A refusal that a second try would meet again: quota, admission, a shape that the API server does not take, a pod that cannot be put together. */
function rejectionOf(error: unknown): Failure | null {
  if (!(error instanceof KubeError)) return error instanceof PodUnfit ? { reason: "ConfigInvalid", message: error.message } : null;
  return error.status === 400 || error.status === 403 || error.status === 422 ? { reason: "PodRejected", message: error.message } : null;
}

async function noteFailedStart(failure: Failure, fingerprint: string, { thread, object }: Subject, { store, record, clock }: Deps): Promise<Outcome> {
  await store.noteFailedStart(thread.metadata.uid, { reason: writeFailure(failure), fingerprint }, clock.nowMs());
  record(object, { type: "Warning", reason: failure.reason, action: "Start", note: failure.message });
  return DONE;
}

async function deletePod(action: ActionOf<"delete-pod">, subject: Subject, deps: Deps, signal: AbortSignal): Promise<Outcome> {
  await remove(TYPES.pods, targetOf(subject, action), deps, signal);
  const note = action.message === "" ? action.reason : `${action.reason}: ${action.message}`;
  deps.record(subject.object, { type: "Normal", reason: "InstanceStopped", action: "Stop", note });
  return DONE;
}

/** Only this very object: what has taken its name meanwhile is none of our business. */
async function remove(type: ResourceType, { uid, ...ref }: ReturnType<typeof targetOf>, { kube }: Deps, signal: AbortSignal): Promise<Outcome> {
  await kube.remove(type, ref, { uid, propagation: "Background" }, signal).catch(ignoreConflict);
  return DONE;
}

const targetOf = ({ thread }: Subject, { name, uid }: { readonly name: string; readonly uid: string }) =>
  ({ namespace: thread.metadata.namespace, name, uid });

function ignoreConflict(error: unknown): void {
  if (!(error instanceof KubeError) || error.status !== 409) throw error;
}

/** By compare-and-swap of the whole object: whoever put it there, it goes, and what others put there stays. */
async function removeFinalizer({ metadata }: Thread, { kube }: Deps, signal: AbortSignal): Promise<Outcome> {
  const current = await kube.get(TYPES.threads, metadata, signal);
  if (current === null || current.metadata.uid !== metadata.uid) return DONE;
  const finalizers = (current.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
  await kube.replace(TYPES.threads, { ...current, metadata: { ...current.metadata, finalizers } }, {}, signal);
  return DONE;
}

async function writeStatus({ status }: ActionOf<"write-status">, { object, thread }: Subject, { kube }: Deps, signal: AbortSignal): Promise<Outcome> {
  const write = statusApplication(TYPES.threads, object, { owner: "reconcile", fields: status });
  await kube.apply(TYPES.threads, { ...write.object, metadata: { ...write.object.metadata, uid: thread.metadata.uid } }, write.options, signal);
  return DONE;
}
