import { appendFileSync, chmodSync, existsSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { listSegments } from "../../proxy/audit/directory.ts";
import { verifyAudit } from "../../proxy/audit/verify.ts";
import { seen, type SeenEvent } from "../support/audit-events.ts";
import { aDeniedExchange, anExchange } from "../support/audit-records.ts";
import { aClosedChain, aFolder, anAuditRoom, storedEvents, verifyByPython } from "../support/audit-room.ts";

const ownEvents = (events: readonly SeenEvent[]) => events.filter((event) => event.class_uid === 6002).map((event) => event.activity_name);

describe("an audit log", () => {
  test("has on disk what it acknowledged, in the order of the calls", async () => {
    const folder = aFolder();
    const room = await anAuditRoom(folder);
    const receipts = await Promise.all(Array.from({ length: 40 }, async (_, at) => room.commit(anExchange({ exchangeId: `x-${at}` }))));
    const events = (await storedEvents(folder)).filter((event) => event.class_uid === 4002);
    expect(events.map((event) => event.http_request?.uid)).toEqual(receipts.map((_, at) => `x-${at}`));
    expect(events.map((event) => [event.metadata.sequence, event.attestation_list[0]?.fingerprint.value])).toEqual(receipts.map((receipt) => [receipt.sequence, receipt.hash]));
  });

  test("writes what nobody waits for soon, without being asked", async () => {
    const folder = aFolder();
    const room = await anAuditRoom(folder);
    room.enqueue(aDeniedExchange());
    await vi.waitFor(async () => { expect((await storedEvents(folder)).at(-1)?.status_code).toBe("policy.denied"); });
  });

  test("keeps its folder and files to its own user", async () => {
    const folder = join(aFolder(), "audit");
    const room = await anAuditRoom(folder);
    await room.commit(anExchange());
    const segments = await listSegments(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const path of [segments[0]!.path, join(folder, "signing.key"), join(folder, "lock")]) expect(statSync(path).mode & 0o077).toBe(0);
  });

  test("is refused to a second writer, who is told which process has it; free again after the first has closed", async () => {
    const folder = aFolder();
    const first = await anAuditRoom(folder);
    await expect(anAuditRoom(folder)).rejects.toThrow(`already written by process ${process.pid}`);
    await first.close();
    await (await anAuditRoom(folder)).commit(anExchange());
  });

  test("does not take the lock file of a dead process for a lock", async () => {
    const folder = aFolder();
    writeFileSync(join(folder, "lock"), "1\n");
    await (await anAuditRoom(folder)).commit(anExchange());
  });

  test("refuses records once it is closed", async () => {
    const room = await anAuditRoom(aFolder());
    await room.close();
    await expect(room.commit(anExchange())).rejects.toMatchObject({ code: "audit.unavailable" });
    expect(() => { room.enqueue(anExchange()); }).toThrow("closed");
    expect(room.isHealthy).toBe(false);
  });

  test("shows every record to its observer", async () => {
    const observed: string[] = [];
    const room = await anAuditRoom(aFolder(), {}, { onRecord: (record) => { if (record.kind === "exchange") observed.push(record.exchangeId); } });
    await room.commit(anExchange({ exchangeId: "one" }));
    room.enqueue(anExchange({ exchangeId: "two" }));
    expect(observed).toEqual(["one", "two"]);
  });

  test("goes on in the same chain after a restart, and says how the last run ended", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    await aClosedChain(folder, 3);
    const events = await storedEvents(folder);
    const starts = events.filter((event) => event.activity_name === "audit.started").map((event) => event.unmapped.weir.fields.after);
    expect(starts).toEqual(["nothing", "stop"]);
    expect(events.map((event) => event.metadata.sequence)).toEqual(events.map((_, at) => at));
    expect(await verifyAudit(folder)).toMatchObject({ problem: null, records: events.length, checkpointSize: events.length });
  });
});

describe("segments", () => {
  test("begin anew by size, each with where the chain stood; the chain goes through them", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 20, { segmentBytes: 8_192 });
    await aClosedChain(folder, 20, { segmentBytes: 8_192 });
    const segments = await listSegments(folder);
    expect(segments.length).toBeGreaterThan(5);
    for (const segment of segments) {
      const head = seen(readFileSync(segment.path, "utf8").split("\n")[0]!);
      expect([head.activity_name, head.unmapped.weir.fields.records_before]).toEqual(["audit.segment", segment.first]);
    }
    expect((await verifyAudit(folder)).problem).toBeNull();
    expect((await verifyByPython(folder)).problem).toBeNull();
  });

  test("begin anew by age", async () => {
    const folder = aFolder();
    let nowMs = 1_000_000;
    const room = await anAuditRoom(folder, { segmentMaxAgeMs: 60_000 }, { clock: { nowMs: () => nowMs, monotonicMs: () => performance.now() } });
    await room.commit(anExchange());
    nowMs += 61_000;
    await room.commit(anExchange());
    expect(await listSegments(folder)).toHaveLength(2);
  });

  test("that are old and passed by all are retired, and the chain owns up to it", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 20, { segmentBytes: 8_192 });
    const before = await listSegments(folder);
    for (const segment of before.slice(0, 2)) utimesSync(segment.path, 1, 1);
    await anAuditRoom(folder, { segmentBytes: 8_192, retainDays: 1 });
    await vi.waitFor(async () => { expect((await listSegments(folder))[0]!.first).toBe(before[2]!.first); });
    const report = await verifyAudit(folder);
    expect(report).toMatchObject({ problem: null, firstSequence: before[2]!.first });
    expect((await verifyByPython(folder)).problem).toBeNull();
  });

  test("that are old stay while a sink has not passed them", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 20, { segmentBytes: 8_192 });
    const before = await listSegments(folder);
    for (const segment of before) utimesSync(segment.path, 1, 1);
    const room = await anAuditRoom(folder, { segmentBytes: 8_192, retainDays: 1, sinks: [{ type: "https", name: "dead", url: "https://127.0.0.1:1/" }] });
    await vi.waitFor(() => { expect(room.status.sinks[0]!.lastError).not.toBeNull(); });
    expect((await listSegments(folder)).slice(0, before.length)).toEqual(before);
  });
});

describe("what a crash leaves", () => {
  const openSegment = async (folder: string) => (await listSegments(folder)).at(-1)!.path;

  test.each([
    ["half a record", '{"activity_id":3,"app'],
    ["a record without its end", null],
    ["a hole of zeros before whole lines", `${"\0".repeat(700)}"}\n{"activity_id":1}\n`],
  ])("%s is cut off, and the chain says so", async (_what, tail) => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    const path = await openSegment(folder);
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    rmSync(join(folder, "checkpoints"));
    if (tail === null) writeFileSync(path, lines.join("\n"));
    else appendFileSync(path, tail);
    const room = await anAuditRoom(folder);
    await room.commit(anExchange());
    const gaps = (await storedEvents(folder)).filter((event) => event.activity_name === "audit.gap");
    expect(gaps.map((gap) => [gap.status_id, gap.unmapped.weir.fields.reason, gap.unmapped.weir.fields.bytes]))
      .toEqual([[2, "unfinished-write", tail === null ? Buffer.byteLength(lines.at(-1)!) : tail.length]]);
    expect((await verifyAudit(folder)).problem).toBeNull();
  });

  test("a segment file that holds nothing whole goes away", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    writeFileSync(join(folder, "segment-0000000000000099.jsonl"), "{");
    await (await anAuditRoom(folder)).commit(anExchange());
    expect((await verifyAudit(folder)).problem).toBeNull();
  });

  test("a changed record is no crash: the log does not open over it", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    const path = await openSegment(folder);
    writeFileSync(path, readFileSync(path, "utf8").replace("x-1", "x-7"));
    await expect(anAuditRoom(folder)).rejects.toThrow("damaged at record 3");
  });

  test("records that a checkpoint covers are not given up: the log does not open without them", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    const path = await openSegment(folder);
    writeFileSync(path, readFileSync(path, "utf8").slice(0, -20));
    await expect(anAuditRoom(folder)).rejects.toThrow(/a signed checkpoint covers \d+ records/);
  });

  test("a missing signing key is no new key: the log does not open", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    rmSync(join(folder, "signing.key"));
    await expect(anAuditRoom(folder)).rejects.toThrow("cannot use the audit signing key");
  });

  test("a new chain in a folder whose segments were taken away names the last checkpoint of the old one", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    for (const { path } of await listSegments(folder)) rmSync(path);
    const old = readFileSync(join(folder, "checkpoints"), "utf8");
    await aClosedChain(folder, 3);
    const head = (await storedEvents(folder))[0];
    expect(old).toContain(head?.unmapped.weir.fields.follows);
    expect((await verifyAudit(folder)).problem).toBeNull();
    expect((await verifyByPython(folder)).problem).toBeNull();
  });
});

describe("the signing key", () => {
  test("can be replaced: both keys sign for it, and a verifier that knows the old one follows", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 3);
    const oldKey = join(aFolder(), "old.pub");
    writeFileSync(oldKey, readFileSync(join(folder, "signing.pub")));
    const room = await anAuditRoom(folder);
    const published = await room.rotateKey();
    await room.commit(anExchange());
    await room.checkpoint();
    await room.close();
    expect(readFileSync(join(folder, "signing.pub"), "utf8").trimEnd().split("\n")[1]).toBe(published);
    expect(await verifyAudit(folder, { publicKeyFile: oldKey })).toMatchObject({ problem: null });
    expect(await verifyByPython(folder, "--key", oldKey)).toMatchObject({ problem: null });
  });

  test("of a stranger does not vouch for the chain", async () => {
    const [folder, stranger] = [aFolder(), aFolder()];
    await aClosedChain(folder, 3);
    await aClosedChain(stranger, 1);
    const publicKeyFile = join(stranger, "signing.pub");
    expect((await verifyAudit(folder, { publicKeyFile })).problem).toMatchObject({ damage: "unsigned" });
    expect((await verifyByPython(folder, "--key", publicKeyFile)).problem).toMatchObject({ damage: "unsigned" });
  });
});

describe("the witness", () => {
  test("gets every checkpoint, and a chain agrees with them", async () => {
    const [folder, witnessDirectory] = [aFolder(), aFolder()];
    const room = await anAuditRoom(folder, { witnessDirectory });
    await room.commit(anExchange());
    await room.checkpoint();
    await room.close();
    const checkpointFile = join(witnessDirectory, `${room.status.chainUid}.checkpoints`);
    expect(readFileSync(checkpointFile, "utf8")).toBe(readFileSync(join(folder, "checkpoints"), "utf8"));
    expect((await verifyAudit(folder, { checkpointFile })).problem).toBeNull();
  });

  test("that cannot be reached is recorded once, and stops nothing", async () => {
    const [folder, parent] = [aFolder(), aFolder()];
    writeFileSync(join(parent, "file"), "");
    const room = await anAuditRoom(folder, { witnessDirectory: join(parent, "file", "below") });
    for (let at = 0; at < 2; at += 1) {
      await room.commit(anExchange());
      await room.commit(anExchange());
      await room.checkpoint();
    }
    await room.commit(anExchange());
    expect(ownEvents(await storedEvents(folder)).filter((name) => name === "audit.witness-failed")).toHaveLength(1);
  });

  test("checkpoints are signed by themselves, by number and by time, and are in the chain for every sink", async () => {
    const folder = aFolder();
    const room = await anAuditRoom(folder, { checkpointRecords: 10, checkpointIntervalMs: 50 });
    for (let at = 0; at < 30; at += 1) await room.commit(anExchange());
    await vi.waitFor(() => { expect(room.status.checkpointSize).toBe(room.status.records - 1); });
    const notes = (await storedEvents(folder)).filter((event) => event.activity_name === "audit.checkpoint").map((event) => event.unmapped.weir.fields.note);
    expect(notes.length).toBeGreaterThan(2);
    for (const note of notes) expect(readFileSync(join(folder, "checkpoints"), "utf8")).toContain(note);
  });
});

test("a folder that cannot be used is a clear message", async () => {
  const parent = aFolder();
  writeFileSync(join(parent, "file"), "");
  await expect(anAuditRoom(join(parent, "file"))).rejects.toThrow(`cannot use ${join(parent, "file")} for the audit chain`);
  chmodSync(parent, 0o700);
  expect(existsSync(join(parent, "file"))).toBe(true);
});
