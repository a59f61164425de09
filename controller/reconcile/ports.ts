import type { Clock } from "../../common/clock.ts";
import type { Informer, KubeApi, KubeObject, ListQuery, ResourceType } from "../../common/kube/kube-api.ts";
import type { Log } from "../../common/log.ts";
import type { Agent } from "../resources/agent.ts";
import type { Thread } from "../resources/thread.ts";
import type { ThreadStore } from "../threads/thread-store.ts";
import type { ReconcileConfig } from "./config.ts";
import type { Action } from "./diff.ts";

/** Something that a person who looks at the object should see; `reason` in CamelCase. */
export interface ReconcileEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** Must neither block nor throw. */
export type EventRecorder = (object: KubeObject, event: ReconcileEvent) => void;

/** Counters; must not throw. */
export interface ReconcileMetrics {
  queueDepth(keys: number): void;
  reconciled(isDone: boolean, durationMs: number): void;
  acted(kind: Action["kind"]): void;
  /** From the signal, or from when the message was noticed without one, until the API server had the pod. */
  signalToPod(latencyMs: number): void;
}

/** No pod can be made of this thread and this agent: a failed start, with the message as its reason. */
export class PodUnfit extends Error {
  override readonly name = "PodUnfit";
}

/** What the reconciler needs of the store: it neither reads nor writes messages. */
export type ReconcileStore = Pick<ThreadStore,
  | "ensureThread" | "forgetThread" | "threadsOtherThan" | "demand" | "demands" | "noteActivity"
  | "startAttempts" | "noteFailedStart" | "clearStarts" | "onSignal">;

export interface ReconcilerDeps {
  /** Fenced: writes fail when this controller does not lead any more. */
  readonly kube: KubeApi;
  readonly store: ReconcileStore;
  /** A cache that has not been started. The reconciler runs it for as long as it leads, so that its first list is younger than its lease. */
  openInformer(type: ResourceType, query: ListQuery, select: (object: KubeObject) => KubeObject): Informer;
  /** The pod that serves a thread; name, labels, owner and mark are put on it here. @throws PodUnfit */
  instancePod(thread: Thread, agent: Agent): KubeObject;
  /** The claims of a thread, named by `claimNameOf`, each with an owner or, if it is to stay, without one. */
  volumeClaims(thread: Thread, agent: Agent): readonly KubeObject[];
  readonly record: EventRecorder;
  readonly metrics: ReconcileMetrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: ReconcileConfig;
  /** Waits between two polls; rejects when the signal aborts. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}
