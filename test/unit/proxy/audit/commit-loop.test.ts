import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Clock } from "../../../../common/clock.ts";
import { silentLog } from "../../../../common/log.ts";
import { BatchQueue, type Batch } from "../../../../proxy/audit/batch-queue.ts";
import { Chain } from "../../../../proxy/audit/chain.ts";
import { CommitLoop } from "../../../../proxy/audit/commit-loop.ts";
import { KeptRecords } from "../../../../proxy/audit/kept-records.ts";
import { SegmentWriter } from "../../../../proxy/audit/segment-writer.ts";
import { anExchange } from "../../../support/audit-records.ts";

const LIMITS = { segmentBytes: 1 << 20, segmentMaxAgeMs: 1_000_000, queueLimitBytes: 20_000 };
const clock: Clock = { nowMs: () => 1_000, monotonicMs: () => 1_000 };

/** A writer whose writes wait until the test lets them end. */
class HeldWriter extends SegmentWriter {
  readonly batches: Batch[] = [];
  #ends: PromiseWithResolvers<void>[] = [];

  constructor() {
    super("unused", async () => { throw new Error("no disk in a unit test"); });
  }

  override async write(batch: Batch): Promise<void> {
    this.batches.push(batch);
    const end = Promise.withResolvers<void>();
    this.#ends.push(end);
    return end.promise;
  }

  async finish(): Promise<void> {
    this.#ends.shift()?.resolve();
    await turn();
    await turn();
  }

  async fail(error: Error): Promise<void> {
    this.#ends.shift()?.reject(error);
    await turn();
  }
}

function aLoop(limits = LIMITS) {
  const chain = new Chain("0f8fad5b-d9cb-469f-a165-70867728950e", "0");
  const queue = new BatchQueue(chain, limits, clock);
  const durable = chain.mark();
  queue.openSegment(null);
  const writer = new HeldWriter();
  const loop = new CommitLoop(durable, { chain, queue, writer, clock, log: silentLog, commitIntervalMs: 0, kept: new KeptRecords(20_000), onDurable: () => undefined });
  const commit = () => {
    const { batch, entry } = queue.add(anExchange(), true);
    loop.wake(true);
    return batch.durable.promise.then(() => entry.link?.receipt.sequence);
  };
  return { chain, queue, writer, loop, commit };
}

describe("CommitLoop", () => {
  test("what arrives while a write is on its way shares the next one, and is released together", async () => {
    const { commit, writer } = aLoop();
    const first = commit();
    await turn();
    const others = [commit(), commit(), commit()];
    await turn();
    expect(writer.batches.map((batch) => batch.entries.length)).toEqual([2]);
    await writer.finish();
    expect(await first).toBe(1);
    expect(writer.batches.map((batch) => batch.entries.length)).toEqual([2, 3]);
    await writer.finish();
    expect(await Promise.all(others)).toEqual([2, 3, 4]);
  });

  test("nobody is released before the write that holds his record has ended", async () => {
    const { commit, writer } = aLoop();
    let released = 0;
    void commit().then(() => { released += 1; });
    await turn();
    void commit().then(() => { released += 1; });
    await turn();
    expect(released).toBe(0);
    await writer.finish();
    expect(released).toBe(1);
  });

  test("a failed write refuses its callers and those behind them, and puts the chain back", async () => {
    const { commit, writer, loop, chain } = aLoop();
    const waiting = [commit()];
    await turn();
    waiting.push(commit());
    const refusals = Promise.allSettled(waiting);
    await writer.fail(Object.assign(new Error("EIO"), { code: "EIO" }));
    for (const refusal of await refusals) expect(refusal).toMatchObject({ status: "rejected", reason: { code: "audit.unavailable" } });
    expect(loop.isBroken).toBe(true);
    expect(chain.sequence).toBe(0);
    await loop.close();
  });

  test("a full queue refuses; what it held counts until it is on disk", async () => {
    const { commit, writer, queue } = aLoop();
    const waiting: Promise<number | undefined>[] = [];
    expect(() => { while (true) waiting.push(commit()); }).toThrow(expect.objectContaining({ code: "audit.unavailable" }));
    await turn();
    expect(queue.queuedBytes).toBeGreaterThanOrEqual(LIMITS.queueLimitBytes);
    expect(() => commit()).toThrow("wait for the disk");
    await writer.finish();
    await Promise.all(waiting);
    expect(queue.queuedBytes).toBe(0);
    void commit();
  });
});

describe("BatchQueue", () => {
  test("puts records in the chain in the order in which they came, and counts their true size, when it hands them over", () => {
    const { chain, queue } = aLoop();
    const entries = [queue.add(anExchange({ path: "/1" }), false), queue.add(anExchange({ path: "/2" }), true)].map(({ entry }) => entry);
    expect([chain.sequence, queue.unlinked, entries.map(({ link }) => link)]).toEqual([0, 3, [null, null]]);
    const batch = queue.take();
    expect([chain.sequence, queue.unlinked, entries.map(({ link }) => link?.receipt.sequence)]).toEqual([3, 0, [1, 2]]);
    expect(batch.bytes).toBe(batch.entries.map(({ link }) => link!.line).join("").length);
    queue.release(batch);
    expect(queue.queuedBytes).toBe(0);
  });

  test("a segment that is full ends between two records, and the next begins by saying where the chain stands", async () => {
    const { queue, writer, commit } = aLoop({ ...LIMITS, segmentBytes: 3_000 });
    const waiting = [commit(), commit(), commit()];
    await turn();
    await writer.finish();
    await writer.finish();
    expect(await Promise.all(waiting)).toEqual([1, 2, 4]);
    expect(writer.batches.map((batch) => batch.opensSegment)).toEqual([0, 3]);
    expect(writer.batches[1]!.entries[0]!.record).toMatchObject({ event: "audit.segment", fields: { records_before: 3 } });
    expect(queue.isEmpty).toBe(true);
  });
});
