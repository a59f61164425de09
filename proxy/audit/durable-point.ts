/** How far the chain is on disk: a reader goes no further, because what lies beyond may still be taken back. */
export interface DurablePoint {
  /** Sequence of the first record of the segment that is being written. */
  readonly segmentFirst: number;
  readonly offset: number;
  /** Number of durable records. */
  readonly records: number;
}

/** The latest durable point, and a way to wait for the next. */
export class DurableWatch {
  #current: DurablePoint;
  #next = Promise.withResolvers<void>();

  constructor(start: DurablePoint) {
    this.#current = start;
  }

  get current(): DurablePoint {
    return this.#current;
  }

  advance(point: DurablePoint): void {
    this.#current = point;
    this.#next.resolve();
    this.#next = Promise.withResolvers<void>();
  }

  /** Resolves when more than `records` are durable. @throws the reason of the signal */
  async beyond(records: number, signal: AbortSignal): Promise<void> {
    while (this.#current.records <= records) {
      signal.throwIfAborted();
      const aborted = Promise.withResolvers<never>();
      const onAbort = () => { aborted.reject(signal.reason instanceof Error ? signal.reason : new Error("aborted")); };
      signal.addEventListener("abort", onAbort, { once: true });
      await Promise.race([this.#next.promise, aborted.promise]).finally(() => { signal.removeEventListener("abort", onAbort); });
    }
  }
}
