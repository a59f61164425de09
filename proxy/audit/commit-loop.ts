import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { EgressError } from "../errors.ts";
import type { AuditRecord } from "../model/record.ts";
import type { Batch, BatchQueue } from "./batch-queue.ts";
import { CHAIN_EVENTS, chainEvent } from "./chain-events.ts";
import type { Chain, ChainMark } from "./chain.ts";
import type { KeptRecords } from "./kept-records.ts";
import type { SegmentWriter } from "./segment-writer.ts";

/** Records that nobody waits for may wait this long for company, in milliseconds. */
const LAZY_DELAY_MS = 25;
/** First and longest pause between two tries to write again after a failure, in milliseconds. */
const RETRY_MS = 500;
const RETRY_LIMIT_MS = 30_000;
/** Kept records that share a write when the disk is back: far below any limit of the queue. */
const KEPT_PORTION = 64;

export interface CommitLoopOptions {
  readonly chain: Chain;
  readonly queue: BatchQueue;
  readonly writer: SegmentWriter;
  /** Takes what nobody waits for while the log is broken; written right behind the gap record. */
  readonly kept: KeptRecords;
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
    let batch: Batch & { after: ChainMark } | null = null;
    try {
      batch = queue.take();
      await writer.write(batch);
    } catch (error) {
      if (batch !== null) queue.release(batch);
      this.#fail([...(batch === null ? [] : [batch]), ...queue.drain()], error);
      return;
    }
    queue.release(batch);
    this.#durable = batch.after;
    batch.durable.resolve();
    this.#options.onDurable(batch.after);
  }

  #fail(batches: readonly Batch[], error: unknown): void {
    const entries = batches.flatMap((batch) => batch.entries);
    this.#options.log.error("audit.write-failed", { error: describeError(error), records: entries.length });
    for (const batch of batches) batch.durable.reject(new EgressError("audit.unavailable", "the audit log could not be written", { cause: error }));
    this.#options.chain.rewind(this.#durable);
    const refused = entries.filter((entry) => entry.isAwaited).length;
    this.#options.kept.putBack(entries.filter((entry) => !entry.isAwaited).map(({ record }) => record).filter((record) => !isSegmentEvent(record)));
    this.#mending = this.#mend(refused, error).finally(() => {
      this.#mending = null;
      if (!this.#stop.signal.aborted) this.#queueKept();
    });
  }

  async #mend(refused: number, cause: unknown): Promise<void> {
    for (let pauseMs = RETRY_MS; !this.#stop.signal.aborted; pauseMs = Math.min(pauseMs * 2, RETRY_LIMIT_MS)) {
      try {
        await wait(pauseMs, undefined, { signal: this.#stop.signal });
        await this.#beginAnew(refused, cause);
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
  async #beginAnew(refused: number, cause: unknown): Promise<void> {
    const { queue, writer, kept, clock } = this.#options;
    await writer.abandon();
    queue.openSegment(null);
    const counts = { refused, carried: kept.count, dropped: kept.dropped };
    queue.add(chainEvent(CHAIN_EVENTS.gap, clock.nowMs(), { reason: "write-failed", error: describeError(cause), ...counts }, "failed"), false);
    await this.#writeQueue();
    kept.toldDropped(counts.dropped);
    while (kept.count > 0) {
      const portion = kept.first(KEPT_PORTION);
      for (const record of portion) queue.add(record, false);
      await this.#writeQueue();
      kept.remove(portion.length);
    }
  }

  async #writeQueue(): Promise<void> {
    const { queue, writer, onDurable } = this.#options;
    while (!queue.isEmpty) {
      const batch = queue.take();
      await writer.write(batch).finally(() => { queue.release(batch); });
      this.#durable = batch.after;
      batch.durable.resolve();
      onDurable(batch.after);
    }
  }

  /** What came in the moment between the last write and the end of the fault. */
  #queueKept(): void {
    const { kept, queue } = this.#options;
    const last = kept.first(kept.count);
    for (const record of last) queue.add(record, false);
    kept.remove(last.length);
    if (last.length > 0) this.wake(false);
  }
}

function isSegmentEvent(record: AuditRecord): boolean {
  return record.kind === "lifecycle" && record.event === CHAIN_EVENTS.segment;
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
