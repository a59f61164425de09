import type { Clock } from "../../common/clock.ts";

/** A clock that only the test moves. Wall time starts at 2026-01-01. */
export class TestClock implements Clock {
  #wallMs = Date.UTC(2026, 0, 1);
  #monotonicMs = 1_000;

  nowMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /** Both times pass. */
  advance(byMs: number): void {
    this.#wallMs += byMs;
    this.#monotonicMs += byMs;
  }

  /** Someone sets the clock: only wall time jumps. */
  jump(byMs: number): void {
    this.#wallMs += byMs;
  }
}
