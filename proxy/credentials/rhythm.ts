import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";

/** Time and chance, owned by the test. */
export interface Rhythm {
  readonly clock: Clock;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
}

/** The longest that a timer of Node can wait, in milliseconds; a longer time would be over at once. */
const LONGEST_PAUSE_MS = 2 ** 31 - 1;

export const rhythmOf = (clock: Clock): Rhythm => ({
  clock, random: Math.random, pause: async (ms, signal) => { await sleep(Math.min(Math.max(ms, 0), LONGEST_PAUSE_MS), undefined, { signal, ref: false }); },
});

/** Time before the next attempt, in milliseconds: doubled for each that failed, up to a longest one, and a random half of it left out. */
export function backOffMs(failures: number, { firstMs, longestMs }: { readonly firstMs: number; readonly longestMs: number }, random: () => number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(failures, 20)) * (0.5 + random() / 2);
}
