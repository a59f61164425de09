import { createHash } from "node:crypto";
import type { Agent } from "../resources/agent.ts";
import type { Thread } from "../resources/thread.ts";
import type { Demand, Exhaustion, StartAttempts } from "../threads/thread-store.ts";
import { claimNameOf } from "./names.ts";
import type { PodFacts } from "./pod-facts.ts";

/** All that is known of a thread at one moment; `desired.ts` and `diff.ts` are functions of this and of nothing else. */
export interface ThreadFacts {
  readonly nowMs: number;
  readonly thread: Thread;
  readonly agent: AgentFacts;
  /** Whatever is under the name that the thread's pod has. */
  readonly pod: PodFacts | null;
  readonly claims: readonly ClaimFacts[];
  readonly demand: Demand;
  readonly starts: StartAttempts | null;
  /** Of the specs as they are now. */
  readonly fingerprint: string;
  readonly turn: Turn;
  /** The store has a row for it. */
  readonly isRegistered: boolean;
  /** What is in the way under a name that we need, found when we tried; null: nothing that we know. */
  readonly obstacle: string | null;
  /** When this controller last made a pod for it. */
  readonly lastPodMadeMs: number | null;
  readonly reported: Reported;
}

export type AgentFacts =
  | { readonly kind: "missing" }
  /** Its spec cannot be read, as when a newer controller has written it. */
  | { readonly kind: "unreadable"; readonly problem: string }
  | { readonly kind: "present"; readonly agent: Agent };

export interface ClaimFacts {
  readonly name: string;
  readonly uid: string;
  readonly isDeleting: boolean;
  /** `ours`: made for this very Thread object. `predecessor`: for another one of its name. */
  readonly ownership: "ours" | "predecessor" | "foreign";
  /** Goes with its thread; false: stays when the thread is deleted. */
  readonly isOwned: boolean;
  /** The volume behind it is gone. */
  readonly isLost: boolean;
}

/** Where a thread stands among those of its agent. */
export interface Turn {
  /** One more instance is within the agent's maximum, and nobody who has waited longer would take it. */
  readonly hasRoom: boolean;
  /** Among the threads used or opened last, which have an instance although nothing is to be read. */
  readonly isWarm: boolean;
}

/** The status that was last written, and when by us. */
export interface Reported {
  readonly status: Thread["status"];
  readonly writtenAtMs: number | null;
}

/** Fields of an Agent that say when an instance runs, not what it is: a change of them makes no instance outdated and no failed start worth a new try. */
const SCHEDULE_FIELDS = new Set(["idleTimeout", "instances", "spawn"]);
/** The same of a Thread. */
const CONTROL_FIELDS = new Set(["paused", "stopRequestedAt", "title"]);

/** Hash of what an instance is made of: two equal ones make the same pod. */
export function fingerprintOf(thread: Thread, agent: AgentFacts): string {
  const of = agent.kind === "present" ? without(agent.agent.spec, SCHEDULE_FIELDS) : agent.kind;
  return createHash("sha256").update(JSON.stringify([of, without(thread.spec, CONTROL_FIELDS)])).digest("hex").slice(0, 32);
}

/** Sorted at the top, below in the order of the parsed schema: the same spec gives the same text. */
function without(spec: object, fields: ReadonlySet<string>): readonly (readonly [string, unknown])[] {
  return Object.entries(spec).filter(([name]) => !fields.has(name)).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** When the thread was last used; activity that a node with a fast clock reports from the future counts as now. */
export function lastUseMs({ demand, pod, nowMs }: Pick<ThreadFacts, "demand" | "pod" | "nowMs">): number {
  const startedMs = pod?.state.kind === "running" ? Math.max(pod.state.sinceMs, pod.createdAtMs) : pod?.createdAtMs;
  return Math.min(nowMs, Math.max(demand.lastActivityMs ?? 0, startedMs ?? 0));
}

/** Opened, and nothing has happened in it since: no message either way, no instance. */
export function isUnused({ demand, pod }: Pick<ThreadFacts, "demand" | "pod">): boolean {
  return pod === null && demand.unread === 0 && demand.lastActivityMs === null;
}

/** Its instance was started ahead of a message, and there has been none since. */
export function isAhead({ demand, pod }: Pick<ThreadFacts, "demand" | "pod">): boolean {
  return pod?.start?.oldestUnreadMs === null && demand.unread === 0 && (demand.lastActivityMs ?? 0) <= pod.createdAtMs;
}

/** The pod's agent has acknowledged what it was started for. Messages are acknowledged in order: an older first unread one means nothing was. */
export function hasMadeProgress({ demand, pod }: Pick<ThreadFacts, "demand" | "pod">): boolean {
  if (demand.unread === 0 || demand.oldestUnreadMs === null) return true;
  const startedFor = pod?.start?.oldestUnreadMs;
  return startedFor !== undefined && startedFor !== null && demand.oldestUnreadMs > startedFor;
}

/** The claims that an instance needs, by the Agent as it is now. */
export function wantedClaims({ thread, agent }: Pick<ThreadFacts, "thread" | "agent">): readonly { readonly volume: string; readonly name: string }[] {
  if (agent.kind !== "present") return [];
  return agent.agent.spec.volumes.map(({ name }) => ({ volume: name, name: claimNameOf(thread.metadata.name, name) }));
}

/** The budget that stops the thread's agent; null once its next window has begun. */
export function lackOf({ demand: { exhaustion }, nowMs }: Pick<ThreadFacts, "demand" | "nowMs">): Exhaustion | null {
  if (exhaustion === undefined || (exhaustion.opensAtMs ?? Infinity) <= nowMs) return null;
  return exhaustion;
}
