import type { Turn } from "./facts.ts";

interface Group {
  /** Threads with a pod, or with one being made, and when they were last used. */
  readonly occupied: Map<string, number>;
  /** Threads that only wait for room, and since when their oldest message waits. */
  readonly waiting: Map<string, number>;
  /** Threads that were opened and not used yet, and since when they are there. */
  readonly unused: Map<string, number>;
}

export interface Seeker {
  readonly key: string;
  readonly agentKey: string;
  readonly oldestUnreadMs: number | null;
}

/**
 * Which threads of an agent have an instance, and which wait for one. Kept in memory, because the caches learn of a pod only after it was made:
 * two workers that decide between the two would both take the last place. Every method is synchronous for the same reason.
 */
export class Fleet {
  readonly #groups = new Map<string, Group>();
  /** Thread key to the agent under which it is counted. */
  readonly #agentOf = new Map<string, string>();

  /**
   * The thread has a pod, or is about to.
   * @param usedAtMs `Infinity` as long as no other thread may be started in its place
   * @returns who may be next: more than one place may have become free, or one to be warm
   */
  occupy(key: string, agentKey: string, usedAtMs: number): readonly string[] {
    if (this.#agentOf.get(key) !== agentKey) this.leave(key);
    this.#agentOf.set(key, agentKey);
    const group = this.#group(agentKey);
    const hasWaited = group.waiting.delete(key);
    const hadPrecedence = group.occupied.get(key) === Infinity && usedAtMs < Infinity;
    group.unused.delete(key);
    group.occupied.set(key, usedAtMs);
    return hasWaited ? leastRecent(group.waiting) : hadPrecedence ? mostRecent(group.unused) : [];
  }

  /** A pod of the thread was seen. When it was used is for its next turn to say; until then it goes before those that have none. */
  notice(key: string, agentKey: string): void {
    if (this.#agentOf.get(key) !== agentKey || this.#groups.get(agentKey)?.occupied.has(key) !== true) this.occupy(key, agentKey, Infinity);
  }

  /** The thread waits for room. @returns idle threads that should be asked for theirs: those kept although they need none */
  wait({ key, agentKey, oldestUnreadMs }: Seeker): readonly string[] {
    if (this.#agentOf.get(key) !== agentKey) this.leave(key);
    this.#agentOf.set(key, agentKey);
    const group = this.#group(agentKey);
    group.occupied.delete(key);
    group.unused.delete(key);
    const isNew = !group.waiting.has(key);
    group.waiting.set(key, oldestUnreadMs ?? 0);
    return isNew ? leastRecent(group.occupied) : [];
  }

  /** The thread needs no instance, but may have one if the agent keeps some warm. */
  propose({ key, agentKey }: Pick<Seeker, "key" | "agentKey">, openedMs: number): void {
    if (this.#agentOf.get(key) !== agentKey) this.leave(key);
    this.#agentOf.set(key, agentKey);
    const group = this.#group(agentKey);
    group.occupied.delete(key);
    group.waiting.delete(key);
    group.unused.set(key, openedMs);
  }

  /** The thread neither has a pod nor waits for one. @returns who may come in its place, or was behind it */
  leave(key: string): readonly string[] {
    const agentKey = this.#agentOf.get(key);
    if (agentKey === undefined) return [];
    this.#agentOf.delete(key);
    const group = this.#group(agentKey);
    group.occupied.delete(key);
    group.waiting.delete(key);
    group.unused.delete(key);
    if (group.occupied.size + group.waiting.size + group.unused.size === 0) this.#groups.delete(agentKey);
    return group.waiting.size > 0 ? leastRecent(group.waiting) : mostRecent(group.unused);
  }

  /** Where a thread stands. Those that wait go before it if their oldest message is older than its own. */
  turnOf(seeker: Seeker, { max, warm }: { readonly max: number; readonly warm: number }): Turn {
    const group = this.#groups.get(seeker.agentKey);
    if (group === undefined) return { hasRoom: max > 0, isWarm: warm > 0 };
    const others = group.occupied.size - (group.occupied.has(seeker.key) ? 1 : 0);
    const free = max - others;
    return { hasRoom: free > 0 && aheadOf(seeker, group.waiting) < free, isWarm: warm > 0 && group.waiting.size === 0 && rankOf(seeker.key, group) < warm };
  }

  instancesOf(agentKey: string): number {
    return this.#groups.get(agentKey)?.occupied.size ?? 0;
  }

  #group(agentKey: string): Group {
    const group = this.#groups.get(agentKey) ?? { occupied: new Map<string, number>(), waiting: new Map<string, number>(), unused: new Map<string, number>() };
    this.#groups.set(agentKey, group);
    return group;
  }
}

/** The one key with the earliest time; none if there is none. */
function leastRecent(times: ReadonlyMap<string, number>): readonly string[] {
  let first: readonly [string, number] | undefined;
  for (const entry of times) if (first === undefined || entry[1] < first[1]) first = entry;
  return first === undefined ? [] : [first[0]];
}

function mostRecent(times: ReadonlyMap<string, number>): readonly string[] {
  let last: readonly [string, number] | undefined;
  for (const entry of times) if (last === undefined || isLater(entry, last)) last = entry;
  return last === undefined ? [] : [last[0]];
}

/** Same time: by name, so that two threads never wait for each other. */
function aheadOf({ key, oldestUnreadMs }: Seeker, waiting: ReadonlyMap<string, number>): number {
  const sinceMs = oldestUnreadMs ?? 0;
  let ahead = 0;
  for (const [other, otherSinceMs] of waiting) {
    if (other !== key && (otherSinceMs < sinceMs || (otherSinceMs === sinceMs && other < key))) ahead += 1;
  }
  return ahead;
}

/** Number of threads, with an instance or not used yet, that were used or opened later. */
function rankOf(key: string, { occupied, unused }: Group): number {
  const own = [key, occupied.get(key) ?? unused.get(key) ?? 0] as const;
  let later = 0;
  for (const times of [occupied, unused]) for (const other of times) if (other[0] !== key && isLater(other, own)) later += 1;
  return later;
}

const isLater = ([one, oneMs]: readonly [string, number], [other, otherMs]: readonly [string, number]): boolean =>
  oneMs > otherMs || (oneMs === otherMs && one < other);
