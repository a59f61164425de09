import type { Clock } from "../../common/clock.ts";
import { EgressError } from "../errors.ts";
import type { AuditRecord } from "../model/record.ts";
import { segmentEvent } from "./chain-events.ts";
import type { Chain, ChainMark, Link } from "./chain.ts";

/** Records that share one write and one sync. */
export interface Batch {
  readonly entries: Entry[];
  bytes: number;
  /** True if somebody waits for it. */
  isAwaited: boolean;
  /** True once somebody watches over its time. */
  hasDeadline: boolean;
  /** Sequence of the first record if this batch begins a new segment file. */
  readonly opensSegment: number | null;
  /** Where the chain stands behind this batch; set when the batch is sealed. */
  after: ChainMark | null;
  /** Settles when the batch is on disk, or cannot be. */
  readonly durable: PromiseWithResolvers<void>;
}

export interface Entry {
  readonly record: AuditRecord;
  readonly isAwaited: boolean;
  /** Null until the batch is sealed. */
  link: Link | null;
}

/** What a record counts until its text is written, in bytes: about that of a small exchange. */
const GUESSED_BYTES = 1_400;

/** How large and how old a segment may become. */
export interface RotationLimits {
  readonly segmentBytes: number;
  readonly segmentMaxAgeMs: number;
}

/**
 * Records that are not yet on disk, in batches. The order of `add` is the order of the chain. A segment ends between two records: the batch is
 * sealed and the next one begins with a segment record. Records join the chain when their batch is sealed, all in one go, because a record
 * alone, between the stages of a request, takes the processor several times as long. Until then its size is a guess.
 */
export class BatchQueue {
  readonly #chain: Chain;
  readonly #limits: RotationLimits & { readonly queueLimitBytes: number };
  readonly #clock: Clock;
  readonly #batches: Batch[] = [];
  #queuedBytes = 0;
  #segmentBytes = 0;
  #segmentOpenedAtMs = 0;

  constructor(chain: Chain, limits: RotationLimits & { readonly queueLimitBytes: number }, clock: Clock) {
    this.#chain = chain;
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Bytes waiting, the batch that is being written included. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Records that have not joined the chain yet. */
  get unlinked(): number {
    const last = this.#batches.at(-1);
    return last === undefined || last.after !== null ? 0 : last.entries.length;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** True if somebody waits for the next batch. */
  get isAwaited(): boolean {
    return this.#batches[0]?.isAwaited ?? false;
  }

  /** Goes on in a segment that exists. */
  continueSegment(lengthBytes: number, openedAtMs: number): void {
    this.#segmentBytes = lengthBytes;
    this.#segmentOpenedAtMs = openedAtMs;
  }

  /** @throws EgressError `audit.unavailable` if the queue is full */
  add(record: AuditRecord, isAwaited: boolean): { readonly batch: Batch; readonly entry: Entry } {
    if (this.#queuedBytes >= this.#limits.queueLimitBytes) throw new EgressError("audit.unavailable", `${this.#queuedBytes} bytes of records wait for the disk`);
    const isOld = this.#clock.nowMs() - this.#segmentOpenedAtMs > this.#limits.segmentMaxAgeMs;
    if (this.#segmentBytes >= this.#limits.segmentBytes || isOld) this.openSegment(null);
    return this.#push(this.#batches.at(-1) ?? this.#begin(null), record, isAwaited);
  }

  /** Seals what waits; the next record goes to a new segment file. @param follows checkpoint of the chain before this one, for a first segment */
  openSegment(follows: string | null): void {
    this.#seal();
    const mark = this.#chain.mark();
    this.#segmentBytes = 0;
    this.#segmentOpenedAtMs = this.#clock.nowMs();
    this.#push(this.#begin(mark.sequence), segmentEvent(this.#segmentOpenedAtMs, mark, follows), false);
  }

  /** The oldest batch, sealed, its records in the chain; its bytes count as queued until `release`. */
  take(): Batch & { after: ChainMark } {
    if (this.#batches.length === 1) this.#seal();
    const batch = this.#batches.shift();
    if (batch?.after === undefined || batch.after === null) throw new Error("no batch waits");
    return Object.assign(batch, { after: batch.after });
  }

  release(batch: Batch): void {
    this.#queuedBytes -= batch.bytes;
  }

  /** Takes everything out and forgets it; the chain must be rewound. */
  drain(): Batch[] {
    const batches = this.#batches.splice(0);
    for (const batch of batches) this.release(batch);
    return batches;
  }

  #begin(opensSegment: number | null): Batch {
    const durable = Promise.withResolvers<void>();
    durable.promise.catch(() => undefined);
    const batch: Batch = { entries: [], bytes: 0, isAwaited: false, hasDeadline: false, opensSegment, after: null, durable };
    this.#batches.push(batch);
    return batch;
  }

  #seal(): void {
    const last = this.#batches.at(-1);
    if (last === undefined || last.after !== null) return;
    for (const entry of last.entries) this.#link(last, entry);
    last.after = this.#chain.mark();
  }

  /** Puts the entry in the chain, and its true size in the place of the guess. */
  #link(batch: Batch, entry: Entry): void {
    entry.link = this.#chain.append(entry.record);
    // UTF-16 length: equal to the bytes for ASCII, and close enough for limits otherwise.
    this.#count(batch, entry.link.line.length - GUESSED_BYTES);
  }

  #push(batch: Batch, record: AuditRecord, isAwaited: boolean): { batch: Batch; entry: Entry } {
    const entry: Entry = { record, isAwaited, link: null };
    batch.entries.push(entry);
    batch.isAwaited ||= isAwaited;
    this.#count(batch, GUESSED_BYTES);
    return { batch, entry };
  }

  #count(batch: Batch, bytes: number): void {
    batch.bytes += bytes;
    this.#queuedBytes += bytes;
    this.#segmentBytes += bytes;
  }
}
