import type { Clock } from "../../common/clock.ts";
import type { Ending } from "./question.ts";

interface Kept {
  readonly ending: Ending;
  /** On the monotonic clock. */
  readonly untilMs: number;
}

/**
 * Answers that nobody waited for any more, by fingerprint: the next try of the same request takes one, and it is gone. Forgetting one costs a
 * question more, never a request that nobody allowed.
 */
export class KeptAnswers {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #limit: number;
  readonly #kept = new Map<string, Kept>();

  constructor(clock: Clock, keepMs: number, limit: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
    this.#limit = limit;
  }

  keep(fingerprint: string, ending: Ending): void {
    this.#forgetOld();
    this.#kept.delete(fingerprint);
    this.#kept.set(fingerprint, { ending, untilMs: this.#clock.monotonicMs() + this.#keepMs });
  }

  take(fingerprint: string): Ending | null {
    const kept = this.#kept.get(fingerprint);
    this.#kept.delete(fingerprint);
    return kept === undefined || kept.untilMs <= this.#clock.monotonicMs() ? null : kept.ending;
  }

  /** The oldest come first: they were put in by time. */
  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [fingerprint, { untilMs }] of this.#kept) {
      if (untilMs > nowMs && this.#kept.size < this.#limit) return;
      this.#kept.delete(fingerprint);
    }
  }
}
