import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../../common/clock.ts";
import { describeError } from "../../../common/lifecycle.ts";
import type { Log } from "../../../common/log.ts";
import type { LifecycleRecord } from "../../model/record.ts";
import { CHAIN_EVENTS, chainEvent } from "../chain-events.ts";
import { uidOf } from "../chain.ts";
import { listSegments, segmentPath } from "../directory.ts";
import { DurableWatch } from "../durable-point.ts";
import { readLines } from "../segment-reader.ts";
import type { AuditSink, BatchLimits, OutgoingRecord } from "./audit-sink.ts";
import { CursorFile, type Cursor } from "./cursor.ts";

/** Pauses after failures: from the first to the last value, doubled each time, each cut by up to half at random so that nodes do not retry in step. */
const RETRY_MS = 200;
const RETRY_LIMIT_MS = 30_000;
/** So many refused records in a row may be told apart from a receiver that refuses everything. */
const PROOF_TRIES = 8;

export interface ShipperOptions {
  readonly name: string;
  readonly directory: string;
  readonly chainUid: string;
  readonly limits: BatchLimits;
  readonly durable: DurableWatch;
  readonly log: Log;
  readonly clock: Clock;
  /** Makes a record durable in the chain: gap records come before the cursor passes the gap. */
  readonly commit: (record: LifecycleRecord) => Promise<unknown>;
}

/** How one sink stands, for metrics. */
export interface SinkStatus {
  readonly name: string;
  readonly deliveredRecords: number;
  /** Durable records that the sink has not yet safely taken. */
  readonly lagRecords: number;
  readonly lastError: string | null;
}

interface ReadBatch {
  readonly records: readonly OutgoingRecord[];
  /** Where reading goes on behind each record. */
  readonly ends: readonly { readonly segmentFirst: number; readonly offset: number }[];
}

/** Feeds one sink from the segment files, in order, from its cursor on. A slow or failing sink holds up only itself. */
export class Shipper {
  readonly #sink: AuditSink;
  readonly #options: ShipperOptions;
  readonly #cursorFile: CursorFile;
  #cursor: Cursor;
  #lastError: string | null = null;
  readonly #progress: DurableWatch;

  private constructor(sink: AuditSink, options: ShipperOptions, cursorFile: CursorFile, cursor: Cursor) {
    this.#sink = sink;
    this.#options = options;
    this.#cursorFile = cursorFile;
    this.#cursor = cursor;
    this.#progress = new DurableWatch(cursor);
  }

  static async open(sink: AuditSink, options: ShipperOptions): Promise<Shipper> {
    const file = new CursorFile(options.directory, options.name);
    const oldest = (await listSegments(options.directory))[0]?.first ?? 0;
    const start = { chainUid: options.chainUid, records: oldest, segmentFirst: oldest, offset: 0 };
    const saved = await file.read();
    const isUsable = saved !== null && saved.chainUid === options.chainUid && saved.segmentFirst >= oldest && saved.records <= options.durable.current.records;
    return new Shipper(sink, options, file, isUsable ? saved : start);
  }

  get status(): SinkStatus {
    const lagRecords = Math.max(0, this.#options.durable.current.records - this.#cursor.records);
    return { name: this.#options.name, deliveredRecords: this.#cursor.records, lagRecords, lastError: this.#lastError };
  }

  /** Records that the sink has taken; segments before it may be deleted. */
  get passedRecords(): number {
    return this.#cursor.records;
  }

  /** Resolves when so many records are safe at the sink. @throws the reason of the signal */
  async delivered(records: number, signal: AbortSignal): Promise<void> {
    await this.#progress.beyond(records - 1, signal);
  }

  /** Runs until the signal; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    let pauseMs = RETRY_MS;
    while (!signal.aborted) {
      try {
        await this.#options.durable.beyond(this.#cursor.records, signal);
        await this.#step(signal);
        this.#lastError = null;
        pauseMs = RETRY_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (this.#lastError === null) this.#options.log.warn("audit.sink-failing", { sink: this.#options.name, error: describeError(error) });
        this.#lastError = describeError(error);
        await wait(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, RETRY_LIMIT_MS);
      }
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    const batch = await this.#read();
    if (batch.records.length === 0) throw new Error(`record ${this.#cursor.records} is not where the cursor says`);
    const { accepted, refusal } = await this.#sink.deliver(batch.records, signal);
    const refused = refusal === undefined ? undefined : batch.records[accepted];
    if (refused !== undefined && refusal !== undefined) {
      if (accepted === 0) await this.#requireProof(batch.records.slice(1), refusal.reason, signal);
      await this.#options.commit(chainEvent(CHAIN_EVENTS.gap, this.#options.clock.nowMs(),
        { reason: "refused-by-sink", sink: this.#options.name, sequence: refused.sequence, detail: refusal.reason }, "failed"));
    }
    const passed = accepted + (refused === undefined ? 0 : 1);
    const end = batch.ends[passed - 1];
    if (end === undefined) return;
    const cursor = { chainUid: this.#options.chainUid, records: this.#cursor.records + passed, ...end };
    await this.#cursorFile.write(cursor);
    this.#cursor = cursor;
    this.#progress.advance(cursor);
  }

  /**
   * A record counts as one that can never be taken only if the sink takes another one behind it. A receiver that refuses everything is set up
   * wrongly, and nothing may be left out because of that.
   */
  async #requireProof(behind: readonly OutgoingRecord[], reason: string, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < Math.min(behind.length, PROOF_TRIES); at += 1) {
      const { accepted, refusal } = await this.#sink.deliver(behind.slice(at), signal);
      if (accepted > 0) return;
      if (refusal === undefined) break;
    }
    throw new Error(`${reason}, and took nothing behind it`);
  }

  /** The next records, as many as the limits allow and at least one, from one segment. */
  async #read(): Promise<ReadBatch> {
    const { durable, limits, directory, chainUid } = this.#options;
    const { segmentFirst, offset } = await this.#place();
    const { current } = durable;
    const endOffset = segmentFirst === current.segmentFirst ? current.offset : Number.POSITIVE_INFINITY;
    const records: OutgoingRecord[] = [];
    const ends: ReadBatch["ends"][number][] = [];
    let bytes = 0;
    for await (const line of readLines(segmentPath(directory, segmentFirst), offset, endOffset)) {
      if (!line.isWhole || records.length === limits.batchRecords || (records.length > 0 && bytes + line.bytes.length > limits.batchBytes)) break;
      records.push(outgoing(line.bytes.toString("utf8"), chainUid, this.#cursor.records + records.length));
      ends.push({ segmentFirst, offset: line.nextOffset });
      bytes += line.bytes.length;
    }
    return { records, ends };
  }

  /** The cursor, or the begin of the segment that begins with the next record. */
  async #place(): Promise<{ segmentFirst: number; offset: number }> {
    const { records, segmentFirst, offset } = this.#cursor;
    const next = segmentFirst === records ? undefined : (await listSegments(this.#options.directory)).find((segment) => segment.first === records);
    return next === undefined ? { segmentFirst, offset } : { segmentFirst: next.first, offset: 0 };
  }
}

function outgoing(json: string, chainUid: string, sequence: number): OutgoingRecord {
  const event = JSON.parse(json) as { time?: unknown; severity_id?: unknown; metadata?: { sequence?: unknown } };
  if (event.metadata?.sequence !== sequence) throw new Error(`record ${sequence} is not where the cursor says`);
  return { sequence, uid: uidOf(chainUid, sequence), timeMs: Number(event.time), severityId: Number(event.severity_id), json };
}
