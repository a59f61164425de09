import { FINALIZER } from "../../common/labels.ts";
import type { ThreadStatus } from "../resources/thread.ts";
import type { ReconcileConfig } from "./config.ts";
import { writeFailure, type Desired } from "./desired.ts";
import { hasMadeProgress, wantedClaims, type ClaimFacts, type ThreadFacts } from "./facts.ts";
import type { Failure, StartMark } from "./pod-facts.ts";
import { statusDueMs, statusOf } from "./status.ts";

/** One step from what is to what should be. Doing it twice is doing it once. */
export type Action =
  | { readonly kind: "add-finalizer" }
  | { readonly kind: "ensure-row" }
  /** It had an instance, though no message: it counts as used from then on. */
  | { readonly kind: "note-use"; readonly atMs: number }
  | { readonly kind: "create-claim"; readonly name: string; readonly volume: string }
  | { readonly kind: "create-pod"; readonly start: StartMark }
  | { readonly kind: "note-failed-start"; readonly failure: Failure; readonly line: string; readonly fingerprint: string }
  | { readonly kind: "clear-starts" }
  | { readonly kind: "delete-pod"; readonly name: string; readonly uid: string; readonly reason: Desired["reason"]; readonly message: string }
  | { readonly kind: "delete-predecessor"; readonly name: string; readonly uid: string }
  | { readonly kind: "delete-claim"; readonly name: string; readonly uid: string }
  | { readonly kind: "forget-row" }
  | { readonly kind: "remove-finalizer" }
  | { readonly kind: "write-status"; readonly status: ThreadStatus };

export interface Difference {
  /** In the order in which they have to happen: each leaves a state from which a new controller can go on. */
  readonly actions: readonly Action[];
  /** When to look again although nothing has changed; null: only when something changes. */
  readonly wakeAtMs: number | null;
}

type Settings = Pick<ReconcileConfig, "statusIntervalMs" | "startBackoffMs">;

/** Pure. */
export function diff(facts: ThreadFacts, desired: Desired, settings: Settings): Difference {
  const isLeaving = facts.thread.metadata.deletionTimestamp !== undefined;
  const steps = [...isLeaving ? [] : standing(facts), ...podSteps(facts, desired), ...isLeaving ? farewell(facts) : []];
  // The pod's own event comes right after and knows more: one write instead of two.
  const movesPod = steps.some(({ kind }) => kind === "create-pod" || kind === "delete-pod" || kind === "delete-predecessor");
  if (movesPod || steps.some(({ kind }) => kind === "remove-finalizer")) return { actions: steps, wakeAtMs: desired.wakeAtMs };
  const status = statusOf(facts, desired, settings.startBackoffMs);
  const dueMs = statusDueMs(facts, status, settings.statusIntervalMs);
  if (dueMs === null) return { actions: steps, wakeAtMs: desired.wakeAtMs };
  if (dueMs > facts.nowMs) return { actions: steps, wakeAtMs: Math.min(dueMs, desired.wakeAtMs ?? Infinity) };
  return { actions: [...steps, { kind: "write-status", status }], wakeAtMs: desired.wakeAtMs };
}

/** What every thread has that is not on its way out. The finalizer first: what is made after it is cleaned up. */
function standing({ thread, isRegistered, claims, pod, demand }: ThreadFacts): Action[] {
  return [
    ...removals(claims.filter(({ ownership }) => ownership === "predecessor")),
    ...thread.metadata.finalizers?.includes(FINALIZER) === true ? [] : [{ kind: "add-finalizer" } as const],
    ...isRegistered ? [] : [{ kind: "ensure-row" } as const],
    ...pod?.ownership === "ours" && demand.lastActivityMs === null ? [{ kind: "note-use", atMs: pod.createdAtMs } as const] : [],
  ];
}

function podSteps(facts: ThreadFacts, desired: Desired): Action[] {
  const { pod } = facts;
  if (pod === null) return [...clearing(facts), ...desired.wantPod ? creation(facts) : []];
  if (pod.ownership === "foreign") return [];
  if (pod.ownership === "predecessor") return pod.isDeleting ? [] : [{ kind: "delete-predecessor", name: pod.name, uid: pod.uid }];
  if (pod.isDeleting || desired.wantPod) return clearing(facts);
  const removal = { kind: "delete-pod", name: pod.name, uid: pod.uid, reason: desired.reason, message: desired.message } as const;
  return [...noting(facts, desired), ...clearing(facts), removal];
}

function creation(facts: ThreadFacts): Action[] {
  const missing = wantedClaims(facts).filter(({ name }) => !facts.claims.some((claim) => claim.name === name));
  return [
    ...missing.map(({ name, volume }) => ({ kind: "create-claim", name, volume }) as const),
    { kind: "create-pod", start: { fingerprint: facts.fingerprint, oldestUnreadMs: facts.demand.oldestUnreadMs, madeAtMs: facts.nowMs } },
  ];
}

/**
 * The failure is noted before the pod goes, so that no crash in between loses it; and a note that is younger than the pod is about this very pod,
 * because there is one at a time, so that none is counted twice.
 */
function noting({ pod, starts, fingerprint }: ThreadFacts, { failure }: Desired): Action[] {
  if (failure === null || pod === null) return [];
  const of = pod.start?.fingerprint ?? fingerprint;
  if (starts !== null && starts.fingerprint === of && starts.lastFailureMs >= pod.createdAtMs) return [];
  return [{ kind: "note-failed-start", failure, line: writeFailure(failure), fingerprint: of }];
}

/** Past failures are forgotten when the agent has read what it was started for, and when a person pauses the thread by hand. */
function clearing(facts: ThreadFacts): Action[] {
  const { starts, pod, thread } = facts;
  if (starts === null) return [];
  const hasRun = pod?.ownership === "ours" && pod.state.kind !== "starting";
  return thread.spec.paused || (hasRun && hasMadeProgress(facts)) ? [{ kind: "clear-starts" }] : [];
}

/** What a deleted thread leaves behind goes in this order; its own resource, by the finalizer, last. */
function farewell({ thread, pod, claims }: ThreadFacts): Action[] {
  if (pod?.ownership === "ours" || thread.metadata.finalizers?.includes(FINALIZER) !== true) return [];
  const owned = claims.filter(({ ownership }) => ownership === "ours");
  return [...removals(owned), { kind: "forget-row" }, { kind: "remove-finalizer" }];
}

/** Those that go with their thread; one that was to stay is a person's to remove. */
function removals(claims: readonly ClaimFacts[]): Action[] {
  return claims.filter(({ isOwned, isDeleting }) => isOwned && !isDeleting).map(({ name, uid }) => ({ kind: "delete-claim", name, uid }));
}
