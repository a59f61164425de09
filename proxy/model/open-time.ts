import type { Amounts } from "../../common/meters.ts";

/** What is held of the meter `seconds` before anything is open. */
export const FIRST_SECONDS = 2n;
/** More is asked for in one go, as long as there is so much. */
const STEP_SECONDS = 5n;
const AHEAD_SECONDS = 2n;

/** Of a reservation: holds more, all or nothing. */
export interface TimeHold {
  extend(more: Amounts, signal: AbortSignal): Promise<boolean>;
}

/** Wall time that an exchange or a tunnel is open, held one step ahead of the clock: {@link FIRST_SECONDS} with the reservation, more while it goes on. */
export class OpenTime {
  readonly #startedMs: number;
  readonly #hold: TimeHold;
  readonly #signal: AbortSignal;
  #held = FIRST_SECONDS;
  #isAsking = false;
  #isRefused = false;

  /** @param startedMs monotonic clock */
  constructor(startedMs: number, hold: TimeHold, signal: AbortSignal) {
    this.#startedMs = startedMs;
    this.#hold = hold;
    this.#signal = signal;
  }

  /** Begun seconds, as they are charged. @param nowMs monotonic clock */
  seconds(nowMs: number): bigint {
    return BigInt(Math.max(1, Math.ceil((nowMs - this.#startedMs) / 1_000)));
  }

  /** Called about once a second: asks for more where it is due. @returns false when another second would be more than there is: the caller ends at once */
  tick(nowMs: number): boolean {
    const open = this.seconds(nowMs);
    if (open + AHEAD_SECONDS > this.#held && !this.#isAsking) void this.#ask();
    return !this.#isRefused || open < this.#held;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const granted = await this.#extend(STEP_SECONDS) || await this.#extend(1n);
    this.#isRefused = !granted;
    this.#isAsking = false;
  }

  async #extend(seconds: bigint): Promise<boolean> {
    const isGranted = await this.#hold.extend({ seconds }, this.#signal).catch(() => false);
    if (isGranted) this.#held += seconds;
    return isGranted;
  }
}
