import type { Clock } from "../../common/clock.ts";

/** A token bucket: so many at once, so many per second in the long run. */
export class WriteBudget {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  #left: number;
  #countedMs: number;

  constructor(perSecond: number, burst: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#clock = clock;
    this.#left = burst;
    this.#countedMs = clock.monotonicMs();
  }

  /** @returns false if there is none left now */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#left = Math.min(this.#burst, this.#left + (nowMs - this.#countedMs) / 1_000 * this.#perSecond);
    this.#countedMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
