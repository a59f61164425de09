import type { Condition } from "../resources/meta.ts";
import { claim, toConditions } from "../resources/status.ts";
import type { Thread, ThreadStatus } from "../resources/thread.ts";
import type { Exhaustion } from "../threads/thread-store.ts";
import type { ReconcileConfig } from "./config.ts";
import { backoffMs, type Desired } from "./desired.ts";
import { lackOf, lastUseMs, type ThreadFacts } from "./facts.ts";

/** The part of a thread's status that the reconciler owns. */
export function statusOf(facts: ThreadFacts, desired: Desired, startBackoffMs: ReconcileConfig["startBackoffMs"]): ThreadStatus {
  const { thread, demand, starts, fingerprint } = facts;
  const pod = facts.pod?.ownership === "ours" ? facts.pod : null;
  const usedAtMs = lastUseMs({ ...facts, pod });
  const failed = starts !== null && starts.fingerprint === fingerprint && starts.failures > 0 ? starts : null;
  const isWaitingForRetry = failed !== null && desired.phase === "Waiting" && desired.wakeAtMs !== null;
  return {
    ...(thread.metadata.generation === undefined ? {} : { observedGeneration: thread.metadata.generation }),
    phase: desired.phase,
    ...(pod === null ? {} : { instance: pod.name, instanceUid: pod.uid }),
    unread: demand.unread,
    ...(usedAtMs === 0 ? {} : { lastActivity: isoSeconds(usedAtMs) }),
    attempts: failed?.failures ?? 0,
    ...(isWaitingForRetry ? { nextAttemptAt: isoSeconds(failed.lastFailureMs + backoffMs(failed.failures, startBackoffMs)) } : {}),
    conditions: conditionsOf(facts, desired),
  };
}

function conditionsOf(facts: ThreadFacts, desired: Desired): Condition[] {
  const { reported, nowMs, thread, pod } = facts;
  const { phase, reason, message } = desired;
  const claims = [phase === "Running" ? claim.isSo("Started", reason, message) : claim.isNotSo("Started", reason, message)];
  if (reason === "Conflict") claims.push(claim.isSo("Conflict", "NameTaken", message));
  if (pod?.ownership === "ours" && pod.start !== null && pod.start.fingerprint !== facts.fingerprint) {
    claims.push(claim.isSo("Outdated", "SpecChanged", "the instance runs an earlier definition; its next start takes the new one"));
  }
  const lack = lackOf(facts);
  if (lack !== null) claims.push(claim.isSo("BudgetExhausted", "BudgetExhausted", `${lack.reason}${opening(lack)}`));
  return toConditions(reported.status?.conditions, claims, { generation: thread.metadata.generation, nowMs });
}

const opening = ({ opensAtMs }: Exhaustion): string => (opensAtMs === null ? "" : `. It opens again at ${isoSeconds(opensAtMs)}`);

/** Whether, and from when on, a status is worth a write. One of which only the last activity changed waits. @returns null if nothing changed */
export function statusDueMs({ reported, nowMs }: ThreadFacts, status: ThreadStatus, statusIntervalMs: number): number | null {
  const before = reported.status ?? {};
  if (comparable({ ...before, lastActivity: "" }) !== comparable({ ...status, lastActivity: "" })) return nowMs;
  if (before.lastActivity === status.lastActivity) return null;
  return Math.max(nowMs, (reported.writtenAtMs ?? 0) + statusIntervalMs);
}

/** Only what the reconciler writes, in one order: others own fields of the same status, and the API server sorts keys by its own taste. */
function comparable(status: NonNullable<Thread["status"]>): string {
  const { observedGeneration, phase, instance, instanceUid, unread, lastActivity, attempts, nextAttemptAt, conditions } = status;
  const told = (conditions ?? []).map((condition) =>
    JSON.stringify([condition.type, condition.status, condition.reason, condition.message, condition.observedGeneration]));
  return JSON.stringify([observedGeneration, phase, instance, instanceUid, unread, lastActivity, attempts, nextAttemptAt, told.toSorted()]);
}

/** The precision of metav1.Time. */
const isoSeconds = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;
