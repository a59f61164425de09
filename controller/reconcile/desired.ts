import type { AgentSpec } from "../resources/agent.ts";
import type { ThreadPhase } from "../resources/thread.ts";
import type { ReconcileConfig } from "./config.ts";
import { durationMs } from "./duration.ts";
import { hasMadeProgress, isUnused, lackOf, lastUseMs, wantedClaims, type ThreadFacts } from "./facts.ts";
import type { Failure, PodFacts, StartFailure } from "./pod-facts.ts";

export type Reason =
  | StartFailure | "Serving" | "Idle" | "KeptWarm" | "WarmingUp" | "Waking" | "Starting" | "Stopping" | "IdleTimeout" | "Finished"
  | "Stopped" | "Paused" | "Deleted"
  | "AgentMissing" | "AgentWithoutImage" | "AgentUnreadable" | "AgentAtMaximum" | "Conflict" | "VolumeLost" | "VolumeLeaving" | "JustStarted";

/** What should be, and why. */
export interface Desired {
  readonly phase: ThreadPhase;
  /** True if a pod of ours shall be there. One that is being deleted is waited for, then made anew. */
  readonly wantPod: boolean;
  readonly reason: Reason;
  readonly message: string;
  /** The start that failed, to be counted once. */
  readonly failure: Failure | null;
  /** When to look again although nothing has changed; null: only when something changes. */
  readonly wakeAtMs: number | null;
}

type Rules = Pick<ReconcileConfig, "startBackoffMs" | "startAttempts" | "minStartIntervalMs">;
interface Verdict {
  readonly wantPod: boolean;
  readonly reason: Reason;
  readonly message?: string;
  /** Phase when no pod is in the way of it. */
  readonly phase?: ThreadPhase;
  readonly failure?: Failure | null;
  readonly wakeAtMs?: number | null;
}

/** Idle threads that are kept warm are looked at again this often: another thread may have taken their place. */
const WARM_CHECK_MS = 30_000;

/** Pure. The first rule that has something to say decides; the last one always has. */
export function desire(facts: ThreadFacts, rules: Rules): Desired {
  const verdict = byRequest(facts) ?? byAgent(facts) ?? byPod(facts) ?? byObstacle(facts) ?? byHistory(facts, rules) ?? byTurn(facts);
  const phase = phaseOf(facts, verdict);
  const wakeAtMs = earliest(verdict.wakeAtMs ?? null, lackOf(facts)?.opensAtMs ?? null);
  return { message: "", failure: null, ...verdict, wakeAtMs, phase };
}

function earliest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? one ?? other : Math.min(one, other);
}

/** A pod that is to go, or is going, is what one sees of the thread, whatever comes after it. */
function phaseOf({ pod, demand }: ThreadFacts, { phase, wantPod }: Verdict): ThreadPhase {
  const isOurs = pod !== null && pod.ownership === "ours";
  if (isOurs && (!wantPod || pod.isDeleting)) return "Stopping";
  return phase ?? (demand.unread > 0 ? "Waiting" : "Idle");
}

/** What a person has said about the thread. */
function byRequest({ thread, pod }: ThreadFacts): Verdict | null {
  if (thread.metadata.deletionTimestamp !== undefined) return { wantPod: false, reason: "Deleted", phase: "Stopping" };
  if (thread.spec.paused) return { wantPod: false, reason: "Paused", message: "spec.paused is true", phase: "Paused" };
  if (pod?.ownership === "ours" && isStoppedAt(thread.spec.stopRequestedAt, pod.createdAtMs)) {
    return { wantPod: false, reason: "Stopped", message: "a stop was asked for" };
  }
  return null;
}

/** No instance without a definition: its boundary went with it. One whose definition cannot be read may go on, but nothing new starts. */
function byAgent({ thread, agent, pod }: ThreadFacts): Verdict | null {
  if (agent.kind === "missing") return { wantPod: false, reason: "AgentMissing", message: `there is no Agent ${thread.spec.agent}` };
  if (agent.kind === "unreadable") {
    return pod?.ownership === "ours" && pod.state.kind === "running"
      ? { wantPod: true, reason: "AgentUnreadable", message: agent.problem, phase: "Running" }
      : { wantPod: false, reason: "AgentUnreadable", message: agent.problem };
  }
  if (agent.agent.spec.image === undefined) return { wantPod: false, reason: "AgentWithoutImage", message: `the Agent ${thread.spec.agent} has no image` };
  return null;
}

function byPod(facts: ThreadFacts): Verdict | null {
  const { pod } = facts;
  if (pod === null) return null;
  if (pod.ownership === "foreign") return { wantPod: false, reason: "Conflict", message: `the pod ${pod.name} was not made for this thread` };
  if (pod.ownership === "predecessor") {
    return { wantPod: false, reason: "Conflict", message: `the pod ${pod.name} of an earlier thread of this name has to end first` };
  }
  if (pod.isDeleting) return { wantPod: facts.demand.unread > 0, reason: "Stopping" };
  switch (pod.state.kind) {
    case "ended": return ended(facts, pod.state.failure);
    case "starting": return starting(facts, pod);
    case "running": return running(facts);
  }
}

/** A runner that ends its turn and exits is as good as one that waits for the next message; one that leaves its first message unread has failed. */
function ended(facts: ThreadFacts, exit: Failure | null): Verdict {
  if (hasMadeProgress(facts)) return { wantPod: false, reason: "Finished", message: exit?.message ?? "" };
  const failure = exit ?? { reason: "EndedUnread", message: "the agent ended and left its message unread" } as const;
  return { wantPod: false, ...failure, failure };
}

function starting({ agent, nowMs }: ThreadFacts, pod: PodFacts): Verdict {
  if (pod.state.kind !== "starting" || agent.kind !== "present") return { wantPod: true, reason: "Starting", phase: "Starting" };
  const { trouble, delay } = pod.state;
  if (trouble !== null) return { wantPod: false, ...trouble, failure: trouble };
  const timeoutMs = durationMs(agent.agent.spec.startTimeout);
  const deadlineMs = pod.createdAtMs + timeoutMs;
  if (nowMs < deadlineMs) return { wantPod: true, reason: delay?.reason ?? "Starting", message: delay?.message ?? "", phase: "Starting", wakeAtMs: deadlineMs };
  const late = delay ?? { reason: "StartTimeout", message: `the agent's container did not run within ${agent.agent.spec.startTimeout}` } as const;
  return { wantPod: false, ...late, failure: late };
}

function running(facts: ThreadFacts): Verdict {
  const spec = specOf(facts);
  if (facts.demand.unread > 0 || spec === null) return { wantPod: true, reason: "Serving", phase: "Running" };
  const idleAtMs = lastUseMs(facts) + durationMs(spec.idleTimeout);
  if (facts.nowMs < idleAtMs) return { wantPod: true, reason: "Serving", phase: "Running", wakeAtMs: idleAtMs };
  if (facts.turn.isWarm) return { wantPod: true, reason: "KeptWarm", phase: "Running", wakeAtMs: facts.nowMs + WARM_CHECK_MS };
  return { wantPod: false, reason: "IdleTimeout", message: `not used for ${spec.idleTimeout}` };
}

/** From here on there is no pod. What is in the way of one. */
function byObstacle(facts: ThreadFacts): Verdict | null {
  const { thread, demand, obstacle } = facts;
  if (demand.unread === 0 && !isToBeWarmed(facts)) return { wantPod: false, reason: "Idle" };
  if (demand.newestUnreadMs !== null && isStoppedAt(thread.spec.stopRequestedAt, demand.newestUnreadMs)) {
    return { wantPod: false, reason: "Stopped", message: "a stop was asked for; the next message starts it again", phase: "Idle" };
  }
  const wanted = new Set(wantedClaims(facts).map(({ name }) => name));
  const claims = facts.claims.filter(({ name }) => wanted.has(name));
  const foreign = claims.find(({ ownership }) => ownership !== "ours");
  if (foreign !== undefined) return { wantPod: false, reason: "Conflict", message: `the claim ${foreign.name} was not made for this thread` };
  const lost = claims.find(({ isLost }) => isLost);
  if (lost !== undefined) return { wantPod: false, reason: "VolumeLost", message: `the volume of the claim ${lost.name} is gone` };
  const leaving = claims.find(({ isDeleting }) => isDeleting);
  if (leaving !== undefined) return { wantPod: false, reason: "VolumeLeaving", message: `the claim ${leaving.name} is being deleted` };
  return obstacle === null ? null : { wantPod: false, reason: "Conflict", message: obstacle };
}

/** Failed starts of the same definition count; a new definition starts at once. */
function byHistory({ starts, fingerprint, nowMs, lastPodMadeMs }: ThreadFacts, rules: Rules): Verdict | null {
  if (starts !== null && starts.fingerprint === fingerprint && starts.failures > 0) {
    const past = readFailure(starts.reason);
    if (starts.failures >= rules.startAttempts) return { wantPod: false, ...past, phase: "Paused" };
    const wakeAtMs = starts.lastFailureMs + backoffMs(starts.failures, rules.startBackoffMs);
    if (nowMs < wakeAtMs) return { wantPod: false, ...past, wakeAtMs };
  }
  const soonestMs = (lastPodMadeMs ?? -Infinity) + rules.minStartIntervalMs;
  return nowMs < soonestMs ? { wantPod: false, reason: "JustStarted", message: "the last pod was made a moment ago", wakeAtMs: soonestMs } : null;
}

function byTurn(facts: ThreadFacts): Verdict {
  if (facts.turn.hasRoom) return { wantPod: true, reason: facts.demand.unread > 0 ? "Waking" : "WarmingUp", phase: "Starting" };
  const max = specOf(facts)?.instances.max ?? 0;
  return { wantPod: false, reason: "AgentAtMaximum", message: `the Agent ${facts.thread.spec.agent} has ${max} instances at most` };
}

/** Once, ahead of the first message: an instance that ended or failed without one would only do so again. */
function isToBeWarmed(facts: ThreadFacts): boolean {
  return isUnused(facts) && facts.starts === null && facts.turn.isWarm && facts.turn.hasRoom;
}

const specOf = ({ agent }: ThreadFacts): AgentSpec | null => (agent.kind === "present" ? agent.agent.spec : null);
const isStoppedAt = (stopRequestedAt: string | undefined, atMs: number): boolean => stopRequestedAt !== undefined && atMs <= Date.parse(stopRequestedAt);

/** Wait after the n-th failed start in a row. */
export function backoffMs(failures: number, stepsMs: readonly number[]): number {
  return stepsMs[Math.min(failures, stepsMs.length) - 1] ?? 0;
}

/** The store keeps one line of text for a failure. */
export const writeFailure = ({ reason, message }: Failure): string => (message === "" ? reason : `${reason}: ${message}`);
function readFailure(line: string): { readonly reason: Reason; readonly message: string } {
  const [, reason, message] = /^([A-Za-z]+)(?:: (.*))?$/s.exec(line) ?? [];
  return { reason: (reason ?? "AgentFailed") as Reason, message: message ?? "" };
}
