import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import { EgressError } from "../errors.ts";
import type { AuditRecord } from "../model/record.ts";
import type { AuditLog, Receipt } from "./audit-log.ts";
import type { Batch, BatchQueue, Entry } from "./batch-queue.ts";
import { CHAIN_EVENTS, chainEvent } from "./chain-events.ts";
import type { Chain, ChainMark } from "./chain.ts";
import type { Checkpointer } from "./checkpointer.ts";
import { CommitLoop } from "./commit-loop.ts";
import type { AuditConfig } from "./config.ts";
import { DurableWatch } from "./durable-point.ts";
import { KeptRecords } from "./kept-records.ts";
import type { SegmentWriter } from "./segment-writer.ts";
import type { NoteSigner } from "./signed-note.ts";

export interface FileLogParts {
  readonly chain: Chain;
  readonly queue: BatchQueue;
  readonly writer: SegmentWriter;
  /** Where the chain on disk ends. */
  readonly durable: ChainMark;
  readonly openCheckpointer: (record: (record: AuditRecord) => void) => Checkpointer;
  readonly clock: Clock;
  readonly log: Log;
  /** Sees every record as it enters the chain, before it is durable. Must not throw. */
  readonly onRecord: ((record: AuditRecord) => void) | undefined;
}

/** How the log stands, for metrics and readiness. */
export interface FileLogStatus {
  readonly isHealthy: boolean;
  readonly records: number;
  readonly durableRecords: number;
  readonly queuedBytes: number;
  readonly checkpointSize: number;
}

/** The chain on disk: segments of JSON lines, group commit, signed checkpoints. Opened by `openAudit`, which also holds the lock. */
export class FileLog implements AuditLog {
  readonly durable: DurableWatch;
  readonly #parts: FileLogParts;
  readonly #config: AuditConfig;
  readonly #loop: CommitLoop;
  readonly #kept: KeptRecords;
  readonly #checkpointer: Checkpointer;
  readonly #stop = new AbortController();
  readonly #ticking: Promise<void>;
  #isClosed = false;
  #isSigning = false;
  /** True from a missed deadline until the disk has answered again. */
  #isStuck = false;

  constructor(config: AuditConfig, parts: FileLogParts) {
    const { chain, queue, writer, durable, clock, log } = parts;
    this.#config = config;
    this.#parts = parts;
    this.durable = new DurableWatch({ ...writer.position, records: durable.sequence });
    this.#checkpointer = parts.openCheckpointer((record) => { this.enqueue(record); });
    this.#kept = new KeptRecords(config.queueLimitBytes);
    this.#loop = new CommitLoop(durable, {
      chain, queue, writer, clock, log, commitIntervalMs: config.commitIntervalMs, kept: this.#kept,
      onDurable: (mark) => { this.#onDurable(mark); },
    });
    this.#ticking = this.#tick();
  }

  get isHealthy(): boolean {
    return this.#isWritable && !this.#isUnsigned;
  }

  get #isWritable(): boolean {
    return !this.#isClosed && !this.#isStuck && !this.#loop.isBroken;
  }

  /** Whether records have waited for a signature for too long: a chain that nobody signs is not one that may grow. */
  get #isUnsigned(): boolean {
    const sinceMs = this.#checkpointer.unsignedSinceMs;
    return sinceMs !== null && this.#parts.clock.monotonicMs() - sinceMs > this.#config.unsignedLimitMs;
  }

  get status(): FileLogStatus {
    const { records: durableRecords } = this.durable.current;
    const { chain, queue } = this.#parts;
    return {
      isHealthy: this.isHealthy, records: chain.sequence + queue.unlinked, durableRecords,
      queuedBytes: queue.queuedBytes, checkpointSize: this.#checkpointer.size,
    };
  }

  async commit(record: AuditRecord): Promise<Receipt> {
    if (this.#isUnsigned) throw new EgressError("audit.unavailable", `no checkpoint could be signed for ${this.#config.unsignedLimitMs} ms`);
    return this.#write(record);
  }

  async #write(record: AuditRecord): Promise<Receipt> {
    if (this.#isStuck) throw new EgressError("audit.unavailable", "the disk of the audit log does not answer");
    const { batch, entry } = this.#append(record, true);
    await batch.durable.promise;
    if (entry.link === null) throw new EgressError("internal", "a record is on disk and not in the chain");
    return entry.link.receipt;
  }

  enqueue(record: AuditRecord): void {
    if (!this.#loop.isBroken) return void this.#append(record, false);
    if (this.#isClosed) throw new EgressError("audit.unavailable", "the audit log is closed");
    this.#kept.add(record);
    this.#parts.onRecord?.(record);
  }

  /** Signs a checkpoint of what is durable now. @throws if it cannot be written */
  async checkpoint(): Promise<void> {
    await this.#checkpointer.sign(this.#loop.durable);
  }

  /** Later checkpoints are signed with this key. */
  useKey(signer: NoteSigner): void {
    this.#checkpointer.useKey(signer);
  }

  /** Writes everything, signs a last checkpoint and ends. Calling it again does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#stop.abort(new Error("closing"));
    await this.#ticking;
    await this.#checkpointer.idle();
    try {
      if (this.#isWritable) {
        await this.#write(chainEvent(CHAIN_EVENTS.stopped, this.#parts.clock.nowMs(), {}));
        await this.#checkpointer.signLast(this.#loop.durable);
      }
    } catch (error) {
      this.#parts.log.error("audit.close-failed", { error: describeError(error) });
    } finally {
      this.#isClosed = true;
      await this.#loop.close();
      await this.#parts.writer.close();
    }
  }

  #append(record: AuditRecord, isAwaited: boolean): { batch: Batch; entry: Entry } {
    if (this.#isClosed) throw new EgressError("audit.unavailable", "the audit log is closed");
    if (this.#loop.isBroken) throw new EgressError("audit.unavailable", "the audit log could not be written");
    const added = this.#parts.queue.add(record, isAwaited);
    if (isAwaited && !added.batch.hasDeadline) this.#watch(added.batch);
    this.#loop.wake(isAwaited);
    this.#parts.onRecord?.(record);
    return added;
  }

  /** One deadline for a batch, from its first waiting record on: a disk that hangs must refuse like a disk that fails. */
  #watch(batch: Batch): void {
    batch.hasDeadline = true;
    const timer = setTimeout(() => {
      this.#isStuck = true;
      batch.durable.reject(new EgressError("audit.unavailable", `the disk of the audit log did not answer in ${this.#config.commitDeadlineMs} ms`));
    }, this.#config.commitDeadlineMs);
    const stopTimer = () => { clearTimeout(timer); };
    batch.durable.promise.then(stopTimer, stopTimer);
  }

  #onDurable(mark: ChainMark): void {
    this.#isStuck = false;
    this.durable.advance({ ...this.#parts.writer.position, records: mark.sequence });
    // After a failure the clock alone tries again: a signer that is down must not be asked for each record.
    const isDue = mark.sequence - this.#checkpointer.size >= this.#config.checkpointRecords;
    if (isDue && this.#checkpointer.unsignedSinceMs === null) this.#checkpointSoon();
  }

  #checkpointSoon(): void {
    if (this.#isSigning) return;
    this.#isSigning = true;
    this.#checkpointer.sign(this.#loop.durable).catch((error: unknown) => {
      this.#parts.log.error("audit.checkpoint-failed", { error: describeError(error) });
    }).finally(() => { this.#isSigning = false; });
  }

  async #tick(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await wait(this.#config.checkpointIntervalMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted && this.#isWritable) this.#checkpointSoon();
    }
  }
}
