const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Something that held for so long was no failure: what comes next starts with short pauses again. In milliseconds. */
const STEADY_MS = 10_000;

/**
 * How long to wait before trying again: up to a second after something that held for a while, then doubling to half a minute. All of it
 * jittered, because a restarted API server is found by everybody at the same time.
 */
export class RetryPace {
  readonly #random: () => number;
  #failures = 0;

  /** @param random from 0 up to 1 */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** @param heldMs how long what ended now had worked, in milliseconds; 0 for what never worked @returns the pause in milliseconds */
  next(heldMs: number): number {
    if (heldMs >= STEADY_MS) this.#failures = 0;
    const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS);
    const pauseMs = this.#failures === 0 ? FIRST_PAUSE_MS * this.#random() : fullMs * (0.5 + this.#random() / 2);
    this.#failures += 1;
    return pauseMs;
  }
}
