import { setTimeout as pause } from "node:timers/promises";
import type { ThreadStore } from "../threads/thread-store.ts";
import { ApiProblem } from "./problem.ts";

/** Somebody who waits for something to happen to a thread. */
export interface Wait {
  /** Resolves at the next signal, at one that came since the last call, after `ms`, or when the wait is over. */
  next(ms: number): Promise<void>;
  readonly signal: AbortSignal;
  close(): void;
}

interface Limits {
  readonly waitingPerCaller: number;
  readonly waiting: number;
}

/** All who wait, woken by the store's signals. Opened before the first look at the store, a wait misses nothing. */
export class Waiting {
  readonly #limits: Limits;
  readonly #ending = new AbortController();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #counts = new Map<string, number>();
  readonly #stopListening: () => void;
  #total = 0;

  constructor(store: ThreadStore, limits: Limits) {
    this.#limits = limits;
    this.#stopListening = store.onSignal((threadUid) => {
      for (const ring of this.#watchers.get(threadUid) ?? []) ring();
    });
  }

  /** @param caller who is counted for it. @throws ApiProblem if too many wait already */
  open(threadUid: string, caller: string, signal: AbortSignal): Wait {
    const count = this.#counts.get(caller) ?? 0;
    if (count >= this.#limits.waitingPerCaller) throw tooMany(`you have ${count} requests waiting already`);
    if (this.#total >= this.#limits.waiting) throw tooMany("too many requests are waiting");
    this.#counts.set(caller, count + 1);
    this.#total += 1;
    const over = AbortSignal.any([signal, this.#ending.signal]);
    const bell = new Bell();
    const ring = () => { bell.ring(); };
    this.#watch(threadUid, ring);
    let isOpen = true;
    return {
      signal: over,
      next: async (ms) => bell.next(ms, over),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#unwatch(threadUid, ring);
        this.#leave(caller);
      },
    };
  }

  /** Ends every wait. */
  close(): void {
    this.#stopListening();
    this.#ending.abort();
  }

  #watch(threadUid: string, ring: () => void): void {
    const watchers = this.#watchers.get(threadUid) ?? new Set();
    watchers.add(ring);
    this.#watchers.set(threadUid, watchers);
  }

  #unwatch(threadUid: string, ring: () => void): void {
    const watchers = this.#watchers.get(threadUid);
    watchers?.delete(ring);
    if (watchers?.size === 0) this.#watchers.delete(threadUid);
  }

  #leave(caller: string): void {
    const count = (this.#counts.get(caller) ?? 1) - 1;
    if (count === 0) this.#counts.delete(caller);
    else this.#counts.set(caller, count);
    this.#total -= 1;
  }
}

/** Remembers that it was rung until somebody has listened. */
class Bell {
  #hasRung = false;
  #listening: AbortController | null = null;

  ring(): void {
    this.#hasRung = true;
    this.#listening?.abort();
  }

  async next(ms: number, over: AbortSignal): Promise<void> {
    if (!this.#hasRung && !over.aborted) {
      this.#listening = new AbortController();
      await pause(ms, undefined, { signal: AbortSignal.any([over, this.#listening.signal]), ref: false }).catch(() => undefined);
      this.#listening = null;
    }
    this.#hasRung = false;
  }
}

function tooMany(reason: string): ApiProblem {
  return new ApiProblem("rate.limited", reason, { rule: "waiting.limit", retryAfterSeconds: 5, hint: "end some of them, or wait" });
}
