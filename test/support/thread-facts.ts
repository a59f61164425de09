import type { ThreadFacts } from "../../controller/reconcile/facts.ts";
import type { PodFacts, PodState } from "../../controller/reconcile/pod-facts.ts";
import { agent, type Agent } from "../../controller/resources/agent.ts";
import { thread, type Thread } from "../../controller/resources/thread.ts";
import { FINALIZER } from "../../common/labels.ts";

/** The moment of all tables: 2026-01-01T12:00:00Z. */
export const NOW_MS = Date.UTC(2026, 0, 1, 12);
export const SECOND = 1_000;
export const MINUTE = 60_000;
export const FINGERPRINT = "f1";

export function aThread(spec: Partial<Thread["spec"]> = {}, metadata: Partial<Thread["metadata"]> = {}): Thread {
  return thread.parse({
    metadata: { name: "one", namespace: "team", uid: "thread-1", generation: 1, finalizers: [FINALIZER], ...metadata },
    spec: { agent: "helper", user: "ada@example.com", ...spec },
  });
}

export function anAgent(spec: Readonly<Record<string, unknown>> = {}): Agent {
  return agent.parse({ metadata: { name: "helper", namespace: "team", uid: "agent-1" }, spec: { image: "example.com/helper:1", ...spec } });
}

export const states = {
  starting: { kind: "starting", trouble: null, delay: null },
  running: { kind: "running", sinceMs: NOW_MS - MINUTE },
  finished: { kind: "ended", failure: null },
  crashed: { kind: "ended", failure: { reason: "AgentFailed", message: "exit code 1" } },
  pulling: { kind: "starting", trouble: { reason: "ImagePullFailed", message: "agent: ErrImagePull" }, delay: null },
  unscheduled: { kind: "starting", trouble: null, delay: { reason: "Unschedulable", message: "0/3 nodes are available" } },
} as const satisfies Record<string, PodState>;

/** A pod of this thread that was made a minute ago for a message that is as old. */
export function aPod(state: PodState, fields: Partial<PodFacts> = {}): PodFacts {
  return {
    name: "weir-one", uid: "pod-1", createdAtMs: NOW_MS - MINUTE, isDeleting: false, ownership: "ours", state,
    start: { fingerprint: FINGERPRINT, oldestUnreadMs: NOW_MS - MINUTE, madeAtMs: NOW_MS - MINUTE }, ...fields,
  };
}

/** A message has come a minute ago and waits. */
export const unreadSince = (atMs: number, unread = 1): ThreadFacts["demand"] =>
  ({ threadUid: "thread-1", unread, oldestUnreadMs: atMs, newestUnreadMs: atMs, lastActivityMs: atMs });
export const nothingUnread = (lastActivityMs: number | null = null): ThreadFacts["demand"] =>
  ({ threadUid: "thread-1", unread: 0, oldestUnreadMs: null, newestUnreadMs: null, lastActivityMs });
export const failed = (failures: number, lastFailureMs: number, fingerprint = FINGERPRINT): ThreadFacts["starts"] =>
  ({ failures, lastFailureMs, reason: "ImagePullFailed: agent: ErrImagePull", fingerprint });

/** An idle thread that is known; everything else is said by the row. */
export function facts(known: Partial<ThreadFacts> = {}): ThreadFacts {
  return {
    nowMs: NOW_MS, thread: aThread(), agent: { kind: "present", agent: anAgent() }, pod: null, claims: [], demand: nothingUnread(), starts: null, fingerprint: FINGERPRINT,
    turn: { hasRoom: true, isWarm: false }, isRegistered: true, obstacle: null, lastPodMadeMs: null, reported: { status: undefined, writtenAtMs: null }, ...known,
  };
}
