import type { MeterName, Window } from "./config.ts";

const WINDOW_MS: Readonly<Partial<Record<Window, number>>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** A budget as configured: what it counts, up to where, in which window. */
export interface Limit {
  readonly id: string;
  readonly meter: MeterName;
  readonly limit: bigint;
  readonly window: Window;
  /** `own`: each agent has this limit for itself. `named`: all who are charged to it share the count. */
  readonly scope: "own" | "named";
  /** What an operator changes to raise it, as refusals say it. */
  readonly setting: string;
}

/**
 * One budget's count for those who share it. At every instant settled + reserved ≤ limit: `reserve` is
 * the only way up, and it refuses; only lowering the limit can leave more used than it allows. What is open when a window ends stays reserved and
 * is settled in the next: nothing is forgotten in between.
 */
export class Account {
  #of: Limit;
  #settled = 0n;
  #reserved = 0n;
  #holders = 0;
  /** Number of the current window since the epoch; only goes up, so that a clock that jumps back opens no window twice. */
  #window = 0;

  constructor(of: Limit) {
    this.#of = of;
  }

  get of(): Limit {
    return this.#of;
  }

  /** From now on this limit counts. @param to of the same budget, meter and window: the count goes on */
  relimit(to: Limit): void {
    this.#of = to;
  }

  get settled(): bigint {
    return this.#settled;
  }

  get reserved(): bigint {
    return this.#reserved;
  }

  get left(): bigint {
    return this.of.limit - this.#settled - this.#reserved;
  }

  /** Whether nothing would be lost with it: no count, and nobody who could add to it. */
  get isIdle(): boolean {
    return this.#holders === 0 && this.#settled + this.#reserved === 0n;
  }

  /** Keeps the account from being forgotten until `letGo`. */
  hold(): void {
    this.#holders += 1;
  }

  letGo(): void {
    this.#holders -= 1;
  }

  /** Moves on to the window of this time. @param nowMs wall clock: windows are of the calendar, in UTC */
  advance(nowMs: number): void {
    const lengthMs = WINDOW_MS[this.of.window];
    if (lengthMs === undefined) return;
    const window = Math.floor(nowMs / lengthMs);
    if (window <= this.#window) return;
    this.#window = window;
    this.#settled = 0n;
  }

  /** Wall-clock milliseconds at which the count begins anew; null if it never does. */
  get endsAtMs(): number | null {
    const lengthMs = WINDOW_MS[this.of.window];
    return lengthMs === undefined ? null : (this.#window + 1) * lengthMs;
  }

  /** Reserves what the caller saw to be left. @throws RangeError if it is not: the invariant is kept here, whoever calls */
  reserve(amount: bigint): void {
    if (amount > this.left) throw new RangeError(`${this.of.id}: ${amount} of ${this.left} left`);
    this.#reserved += amount;
  }

  /**
   * Turns what was reserved into what was used, and gives the rest back.
   * @param used more than was reserved is a fault of the caller: it is charged as far as there is room. What was reserved is charged in any
   * case, also if the limit was lowered below it meanwhile.
   */
  settle(reserved: bigint, used: bigint): void {
    this.#reserved -= reserved;
    const room = this.left > reserved ? this.left : reserved;
    this.#settled += used < room ? used : room;
  }
}
