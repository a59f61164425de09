import type { Clock } from "../../common/clock.ts";
import { KubeError } from "../../common/kube/kube-api.ts";

/** The time for which this process leads. Whoever writes to the cluster asks `check` before. */
export interface Term {
  /** The Lease's count of terms: higher than that of every term before, as long as the Lease is not deleted. */
  readonly epoch: number;
  /** @throws NotLeadingError if the term is over, or not renewed for so long that a write begun now could outlive it */
  check(): void;
  /**
   * Checks, and begins a write. Whoever waits for it may not give it up: the Lease is not released before what became of it is known.
   * @param begin its signal aborts when the term is lost
   */
  write<T>(begin: (over: AbortSignal) => Promise<T>): Promise<T>;
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
  /** A write of which no answer came may still happen. */
  readonly doubtMs: number;
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
  readonly #writes = new Set<Promise<void>>();
  /** Why nothing may begin any more. */
  #ended: NotLeadingError | undefined;
  #doubtUntilMs = Number.NEGATIVE_INFINITY;
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
    if (this.#ended !== undefined) throw this.#ended;
    const ageMs = this.#ageMs();
    if (ageMs >= this.#limits.writesMs) throw new NotLeadingError(`term ${this.epoch} was not renewed for ${Math.round(ageMs)} ms`);
  }

  async write<T>(begin: (over: AbortSignal) => Promise<T>): Promise<T> {
    this.check();
    const writing = begin(this.#over.signal);
    const settled = writing.then(() => undefined, (error: unknown) => {
      if (isDoubtful(error)) this.#doubtUntilMs = this.#clock.monotonicMs() + this.#limits.doubtMs;
    });
    this.#writes.add(settled);
    return writing.finally(() => this.#writes.delete(settled));
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
    this.#ended ??= new NotLeadingError(`term ${this.epoch} is over: ${reason}`);
    this.#over.abort(this.#ended);
  }

  /** Ends the term in order: nothing begins any more, what has begun is waited for. @returns true if nothing of this term can happen any more */
  async finish(reason: string): Promise<boolean> {
    this.#ended ??= new NotLeadingError(`term ${this.epoch} is over: ${reason}`);
    await Promise.all(this.#writes);
    this.end(reason);
    return this.doubtLeftMs() <= 0;
  }

  /** Time until no write of this term can happen any more, in milliseconds; 0 or less: none can. Only after `finish`. */
  doubtLeftMs(): number {
    return this.#doubtUntilMs - this.#clock.monotonicMs();
  }

  #ageMs(): number {
    return Math.max(this.#clock.monotonicMs() - this.#renewed.monotonicMs, this.#clock.nowMs() - this.#renewed.wallMs);
  }
}

export function instantOf(clock: Clock): { readonly monotonicMs: number; readonly wallMs: number } {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
}

/** Only a refusal says that nothing was written: neither silence does, nor a server that failed itself, perhaps after its database took the write. */
function isDoubtful(error: unknown): boolean {
  return !(error instanceof KubeError) || error.status === 0 || error.status >= 500;
}
