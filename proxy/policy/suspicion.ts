import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";
import { TimeUsed } from "./time-used.ts";

/** An agent over whose question a thread was killed waits this long before it is asked about again; doubled each time, up to the last. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** How long it is remembered against an agent and its namespace. */
const MEMORY_MS = 120_000;
/** Agents that are remembered; whoever has more of them than that begins anew with the oldest. */
const AGENT_LIMIT = 8_192;
/** What agents are asked about, each of which may take long though the others do not: names, connections, heads of requests, and what was read of bodies. */
export const KINDS = ["name", "connection", "exchange", "body"] as const;
export type QuestionKind = (typeof KINDS)[number];

/** An answer that took this long, in milliseconds, is a slow one: meanwhile others could have had a hundred. */
const SLOW_MS = 10;
/** Time in slow answers not long ago, in milliseconds, by which an agent comes under suspicion; half of it is forgotten every so often. */
const SLOW_LIMIT_MS = 20;
const SLOW_HALF_LIFE_MS = 5_000;

interface Kills {
  readonly count: number;
  readonly lastMs: number;
  readonly untilMs: number;
}

/** Which agents have had a thread killed over their questions, or slow answers of late. Agents are `namespace/name`. */
export class Suspicion {
  readonly #clock: Clock;
  readonly #agents = new LRUCache<string, Kills>({ max: AGENT_LIMIT });
  readonly #namespaces = new LRUCache<string, number>({ max: AGENT_LIMIT });
  readonly #slow: TimeUsed;
  /** Agents and kinds, with a space between. */
  readonly #answered = new LRUCache<string, true>({ max: AGENT_LIMIT * KINDS.length });

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#slow = new TimeUsed(clock, SLOW_HALF_LIFE_MS);
  }

  /** True if the agent has to wait before anything of it is evaluated again. */
  isPaused(agent: string): boolean {
    const kills = this.#agents.get(agent);
    return kills !== undefined && this.#clock.monotonicMs() < kills.untilMs;
  }

  /** A policy that follows another is asked at once. What is known of agents otherwise stays known: who was quick is no beginner, who was wild has no clean slate. */
  endPauses(): void {
    // A copy: what is set moves to the front of what is walked over.
    for (const [agent, kills] of [...this.#agents.entries()]) this.#agents.set(agent, { ...kills, untilMs: 0 });
  }

  /**
   * True if a thread was killed over the agent not long ago, or its answers were slow; or if that holds of its namespace while it never had a quick answer
   * of this kind itself.
   */
  isSuspect(agent: string, kind: QuestionKind): boolean {
    const nowMs = this.#clock.monotonicMs();
    const kills = this.#agents.get(agent);
    if (kills !== undefined && nowMs - kills.lastMs < MEMORY_MS) return true;
    if (this.#slow.of(agent) >= SLOW_LIMIT_MS) return true;
    if (!this.isNew(agent, kind)) return false;
    const neighbourMs = this.#namespaces.get(namespaceOf(agent));
    return (neighbourMs !== undefined && nowMs - neighbourMs < MEMORY_MS) || this.#slow.of(namespaceOf(agent)) >= SLOW_LIMIT_MS;
  }

  /** True if the agent never had a quick answer of this kind. */
  isNew(agent: string, kind: QuestionKind): boolean {
    return !this.#answered.has(`${agent} ${kind}`);
  }

  killed(agent: string): void {
    const nowMs = this.#clock.monotonicMs();
    const before = this.#agents.get(agent);
    const count = before !== undefined && nowMs - before.lastMs < MEMORY_MS ? before.count + 1 : 1;
    this.#agents.set(agent, { count, lastMs: nowMs, untilMs: nowMs + Math.min(FIRST_PAUSE_MS * 2 ** (count - 1), LONGEST_PAUSE_MS) });
    this.#namespaces.set(namespaceOf(agent), nowMs);
    for (const kind of KINDS) this.#answered.delete(`${agent} ${kind}`);
  }

  /** @param tookMs of its thread */
  answered(agent: string, kind: QuestionKind, tookMs: number): void {
    this.#occupied(agent, tookMs);
    if (tookMs < SLOW_MS && this.isNew(agent, kind)) this.#answered.set(`${agent} ${kind}`, true);
  }

  /** There was no answer, though its thread is not lost. @param tookMs of it, until it could be asked again */
  failed(agent: string, tookMs: number): void {
    this.#occupied(agent, tookMs);
  }

  #occupied(agent: string, tookMs: number): void {
    if (tookMs >= SLOW_MS) for (const key of [agent, namespaceOf(agent)]) this.#slow.charge(key, tookMs);
  }
}

/** The namespace of an agent, which is no agent: it has no `/`. */
export function namespaceOf(agent: string): string {
  return agent.slice(0, Math.max(agent.indexOf("/"), 0));
}
