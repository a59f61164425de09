import type { Clock } from "../../common/clock.ts";

/** The time for which this process leads. Whoever writes to the cluster asks `check` before. */
export interface Term {
  /** The Lease's count of terms: higher than that of every term before, as long as the Lease is not deleted. */
  readonly epoch: number;
  /** @throws NotLeadingError if the term is over, or not renewed for so long that a write begun now could outlive it */
  check(): void;
  /** Aborts when the term is over; not when the program stops, because work then ends in order. */
  readonly signal: AbortSignal;
}

/** This process does not lead (any more): what it was about to do is another's. */
export class NotLeadingError extends Error {
  override readonly name = "NotLeadingError";
}

/** How long a renewal is good for, in milliseconds. */
export interface TermLimits {
  /** Writes may begin. */
  readonly writesMs: number;
  /** The work goes on. */
  readonly workMs: number;
}

/**
 * A term by this process's own clocks, of which the stricter counts: the monotonic one stands still while a machine is frozen, the wall clock can
 * be set back.
 */
export class RenewedTerm implements Term {
  readonly epoch: number;
  readonly #clock: Clock;
  readonly #limits: TermLimits;
  readonly #over = new AbortController();
  #renewed: { readonly monotonicMs: number; readonly wallMs: number };

  /** @param begun when the request that won the term was sent, not when it was answered */
  constructor(epoch: number, begun: { readonly monotonicMs: number; readonly wallMs: number }, clock: Clock, limits: TermLimits) {
    this.epoch = epoch;
    this.#renewed = begun;
    this.#clock = clock;
    this.#limits = limits;
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  check(): void {
    this.#over.signal.throwIfAborted();
    const ageMs = this.#ageMs();
    if (ageMs >= this.#limits.writesMs) throw new NotLeadingError(`term ${this.epoch} was not renewed for ${Math.round(ageMs)} ms`);
  }

  /** Time left until the work must stop, in milliseconds; 0 or less: it must. */
  leftMs(): number {
    return this.#over.signal.aborted ? 0 : this.#limits.workMs - this.#ageMs();
  }

  /** @param sent when the request that renewed was sent */
  renewed(sent: { readonly monotonicMs: number; readonly wallMs: number }): void {
    this.#renewed = sent;
  }

  end(reason: string): void {
    this.#over.abort(new NotLeadingError(`term ${this.epoch} is over: ${reason}`));
  }

  #ageMs(): number {
    return Math.max(this.#clock.monotonicMs() - this.#renewed.monotonicMs, this.#clock.nowMs() - this.#renewed.wallMs);
  }
}

export function instantOf(clock: Clock): { readonly monotonicMs: number; readonly wallMs: number } {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
}
