import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { EgressError } from "../errors.ts";
import type { Batch, BatchQueue } from "./batch-queue.ts";
import { CHAIN_EVENTS, chainEvent } from "./chain-events.ts";
import type { Chain, ChainMark } from "./chain.ts";
import type { SegmentWriter } from "./segment-writer.ts";

/** Records that nobody waits for may wait this long for company, in milliseconds. */
const LAZY_DELAY_MS = 25;
/** First and longest pause between two tries to write again after a failure, in milliseconds. */
const RETRY_MS = 500;
const RETRY_LIMIT_MS = 30_000;

export interface CommitLoopOptions {
  readonly chain: Chain;
  readonly queue: BatchQueue;
  readonly writer: SegmentWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly commitIntervalMs: number;
  /** Called after each sync, with the mark up to which everything is on disk. */
  readonly onDurable: (mark: ChainMark) => void;
}

/**
 * Moves batches to the disk: one write and one sync at a time, at most one in `commitIntervalMs`. All that arrives meanwhile shares the next.
 * A failure is final for the batch and for its file: its callers are refused, the chain goes back to what is durable, and the log stays
 * unhealthy until a new segment file took a gap record.
 */
export class CommitLoop {
  readonly #options: CommitLoopOptions;
  readonly #stop = new AbortController();
  #durable: ChainMark;
  #next: { readonly dueMs: number; readonly cancel: () => void } | null = null;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #writing: Promise<void> | null = null;
  #mending: Promise<void> | null = null;

  constructor(durable: ChainMark, options: CommitLoopOptions) {
    this.#durable = durable;
    this.#options = options;
  }

  /** True while a failed write has not been made good. */
  get isBroken(): boolean {
    return this.#mending !== null;
  }

  get durable(): ChainMark {
    return this.#durable;
  }

  /** Call after each `queue.add`. */
  wake(isAwaited: boolean): void {
    if (this.#writing !== null || this.isBroken) return;
    const nowMs = this.#options.clock.monotonicMs();
    const dueMs = isAwaited ? Math.max(nowMs, this.#lastStartMs + this.#options.commitIntervalMs) : nowMs + LAZY_DELAY_MS;
    if (this.#next !== null && this.#next.dueMs <= dueMs) return;
    this.#next?.cancel();
    this.#next = { dueMs, cancel: soon(() => { this.#start(); }, dueMs - nowMs) };
  }

  /** Writes what waits and ends. What cannot be written is given up. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("closing"));
    await this.#mending;
    while (!this.isBroken && (this.#writing !== null || !this.#options.queue.isEmpty)) {
      if (this.#writing === null) this.#start();
      await this.#writing;
    }
    this.#next?.cancel();
  }

  #start(): void {
    this.#next?.cancel();
    this.#next = null;
    this.#lastStartMs = this.#options.clock.monotonicMs();
    this.#writing = this.#writeNext().finally(() => {
      this.#writing = null;
      if (!this.#options.queue.isEmpty) this.wake(this.#options.queue.isAwaited);
    });
  }

  async #writeNext(): Promise<void> {
    const { queue, writer } = this.#options;
    const batch = queue.take();
    try {
      await writer.write(batch);
    } catch (error) {
      queue.release(batch);
      this.#fail([batch, ...queue.drain()], error);
      return;
    }
    queue.release(batch);
    this.#durable = batch.after;
    batch.durable.resolve();
    this.#options.onDurable(batch.after);
  }

  #fail(batches: readonly Batch[], error: unknown): void {
    this.#options.log.error("audit.write-failed", { error: describeError(error), records: batches.reduce((sum, batch) => sum + batch.entries.length, 0) });
    for (const batch of batches) batch.durable.reject(new EgressError("audit.unavailable", "the audit log could not be written", { cause: error }));
    this.#options.chain.rewind(this.#durable);
    this.#mending = this.#mend(batches, error).finally(() => { this.#mending = null; });
  }

  async #mend(lost: readonly Batch[], cause: unknown): Promise<void> {
    for (let pauseMs = RETRY_MS; !this.#stop.signal.aborted; pauseMs = Math.min(pauseMs * 2, RETRY_LIMIT_MS)) {
      try {
        await wait(pauseMs, undefined, { signal: this.#stop.signal });
        await this.#beginAnew(lost, cause);
        this.#options.log.warn("audit.write-resumed", { records: this.#durable.sequence });
        return;
      } catch (error) {
        this.#options.chain.rewind(this.#durable);
        for (const batch of this.#options.queue.drain()) batch.durable.reject(error);
        if (!this.#stop.signal.aborted) this.#options.log.error("audit.still-failing", { error: describeError(error) });
      }
    }
  }

  /** A new segment with a gap record and with the records that nobody waited for; those that were refused are only counted. */
  async #beginAnew(lost: readonly Batch[], cause: unknown): Promise<void> {
    const { queue, writer, clock, onDurable } = this.#options;
    const entries = lost.flatMap((batch) => batch.entries);
    const carried = entries.filter(({ isAwaited, record }) => !isAwaited && !(record.kind === "lifecycle" && record.event === CHAIN_EVENTS.segment));
    const refused = entries.filter((entry) => entry.isAwaited).length;
    await writer.abandon();
    queue.openSegment(null);
    queue.add(chainEvent(CHAIN_EVENTS.gap, clock.nowMs(), { reason: "write-failed", error: describeError(cause), refused, carried: carried.length }, "failed"), false);
    for (const { record } of carried) queue.add(record, false);
    while (!queue.isEmpty) {
      const batch = queue.take();
      await writer.write(batch).finally(() => { queue.release(batch); });
      this.#durable = batch.after;
      batch.durable.resolve();
      onDurable(batch.after);
    }
  }
}

/** Calls back after the I/O that is ready now, or after a delay of at least a millisecond. @returns a function that calls it off */
function soon(start: () => void, delayMs: number): () => void {
  if (delayMs <= 0) {
    const immediate = setImmediate(start);
    return () => { clearImmediate(immediate); };
  }
  const timer = setTimeout(start, delayMs);
  return () => { clearTimeout(timer); };
}
