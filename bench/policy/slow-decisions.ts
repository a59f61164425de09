import { PerformanceObserver, type PerformanceEntry } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";

/** What most of a slow decision's time went to: the collector of garbage, waiting for a processor, or work on the decision itself. */
export type Cause = "garbage" | "waiting" | "work";

/** A decision that took long; when it began and how long it took, by the clock of `performance.now`, and how long its thread worked, all in milliseconds. */
export interface SlowDecision {
  readonly startedMs: number;
  readonly tookMs: number;
  readonly workedMs: number;
}

/** A stretch of time in which garbage was collected, in milliseconds. */
export type Collection = Pick<PerformanceEntry, "startTime" | "duration">;

/** Watches the collector of garbage while decisions are measured. */
export class CollectionWatch implements Disposable {
  readonly #collections: Collection[] = [];
  readonly #observer = new PerformanceObserver((list) => { this.#collections.push(...list.getEntries()); });

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** What was collected so far; the runtime tells of it between turns. */
  async seen(): Promise<readonly Collection[]> {
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
    return this.#collections;
  }

  [Symbol.dispose](): void {
    this.#observer.disconnect();
  }
}

/** The largest share of a decision's time. */
export function causeOf({ startedMs, tookMs, workedMs }: SlowDecision, collections: readonly Collection[]): Cause {
  const endedMs = startedMs + tookMs;
  const overlap = ({ startTime, duration }: Collection) => Math.max(0, Math.min(endedMs, startTime + duration) - Math.max(startedMs, startTime));
  const garbageMs = collections.reduce((sum, collection) => sum + overlap(collection), 0);
  // While garbage is collected the thread may wait for others that help it: that is no waiting for a processor.
  const shares = { garbage: garbageMs, waiting: Math.max(0, tookMs - Math.max(workedMs, garbageMs)), work: Math.max(0, workedMs - garbageMs) };
  return (Object.entries(shares) as [Cause, number][]).reduce((most, share) => (share[1] > most[1] ? share : most))[0];
}
