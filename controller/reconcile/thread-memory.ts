import type { Reported } from "./facts.ts";

/**
 * What one controller remembers of a thread from one turn to the next. Only to spare writes and questions: a controller that remembers nothing
 * does the same things.
 */
export interface ThreadMemory {
  readonly uid: string;
  isRegistered: boolean;
  lastPodMadeMs: number | null;
  obstacle: { readonly message: string; readonly untilMs: number } | null;
  reported: Reported | null;
  /** Monotonic; since when a message waits without a pod, as far as we were told. */
  signalAtMs: number | null;
  /** What the last turn knew of the messages, to see in a poll whether something was missed. */
  seen: string | null;
}

export class ThreadMemories {
  readonly #memories = new Map<string, ThreadMemory>();

  /** A thread of the same name with another UID is another thread. */
  of(key: string, uid: string): ThreadMemory {
    const known = this.#memories.get(key);
    if (known?.uid === uid) return known;
    const fresh: ThreadMemory = { uid, isRegistered: false, lastPodMadeMs: null, obstacle: null, reported: null, signalAtMs: null, seen: null };
    this.#memories.set(key, fresh);
    return fresh;
  }

  /** What was written may have been changed by others since: the cache is believed again. */
  doubt(key: string): void {
    const memory = this.#memories.get(key);
    if (memory !== undefined) memory.reported = null;
  }

  forget(key: string): void {
    this.#memories.delete(key);
  }
}
