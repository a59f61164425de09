import { readFileSync } from "node:fs";
import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import { listSegments, segmentPath } from "../../proxy/audit/directory.ts";
import type { AuditRoom } from "../../proxy/audit/open-audit.ts";
import { verifyAudit } from "../../proxy/audit/verify.ts";
import { seen } from "../support/audit-events.ts";
import { aDeniedExchange, anExchange } from "../support/audit-records.ts";
import { aFolder, anAuditRoom, storedEvents } from "../support/audit-room.ts";
import { FaultyDisk } from "../support/faulty-disk.ts";

const UNAVAILABLE = { code: "audit.unavailable" };
const exchangeIds = async (folder: string) => (await storedEvents(folder)).flatMap((event) => event.http_request === undefined ? [] : [event.http_request.uid]);

async function aRoomOnFaultyDisk(section: object = {}): Promise<{ room: AuditRoom; disk: FaultyDisk; folder: string }> {
  const [disk, folder] = [new FaultyDisk(), aFolder()];
  return { disk, folder, room: await anAuditRoom(folder, section, { openFile: disk.open }) };
}

const recovered = async (room: AuditRoom) => vi.waitFor(() => { expect(room.isHealthy).toBe(true); }, 10_000);

describe("a disk that fails", () => {
  test.each([["sync", "EIO"], ["append", "ENOSPC"], ["append", "EROFS"]] as const)("once in %s with %s refuses what waited for it, and all until a new file works", async (call, code) => {
    const { room, disk, folder } = await aRoomOnFaultyDisk();
    await room.commit(anExchange({ exchangeId: "before" }));
    disk.fail(call, code);
    await expect(room.commit(anExchange({ exchangeId: "refused" }))).rejects.toMatchObject(UNAVAILABLE);
    disk.mend();
    // The disk would work again: still, no later sync may vouch for what the failed one was asked for.
    expect(room.isHealthy).toBe(false);
    await expect(room.commit(anExchange({ exchangeId: "too early" }))).rejects.toMatchObject(UNAVAILABLE);
    // What is over cannot be refused any more: it waits for the disk.
    room.enqueue(anExchange({ exchangeId: "ended meanwhile" }));
    await recovered(room);
    await room.commit(anExchange({ exchangeId: "after" }));
    expect(await exchangeIds(folder)).toEqual(["before", "ended meanwhile", "after"]);
    expect(await listSegments(folder)).toHaveLength(2);
    expect((await verifyAudit(folder)).problem).toBeNull();
  });

  test("leaves a gap record that says how many were refused, and keeps what nobody waited for", async () => {
    const { room, disk, folder } = await aRoomOnFaultyDisk();
    disk.fail("sync", "EIO");
    room.enqueue(aDeniedExchange({ exchangeId: "kept" }));
    await Promise.allSettled([room.commit(anExchange()), room.commit(anExchange())]);
    disk.mend();
    await recovered(room);
    await room.commit(anExchange({ exchangeId: "after" }));
    const [gap] = (await storedEvents(folder)).filter((event) => event.activity_name === "audit.gap");
    expect(gap?.unmapped.weir.fields).toMatchObject({ reason: "write-failed", refused: 2, carried: 1, error: "EIO: injected" });
    expect(await exchangeIds(folder)).toEqual(["kept", "after"]);
  });

  test("stays refused while it goes on failing, also in the new file", async () => {
    const { room, disk, folder } = await aRoomOnFaultyDisk();
    await room.commit(anExchange({ exchangeId: "before" }));
    disk.fail("sync", "EIO");
    await expect(room.commit(anExchange())).rejects.toMatchObject(UNAVAILABLE);
    disk.mend();
    disk.fail("open", "ENOSPC");
    await vi.waitFor(() => { expect(disk.opens).toBeGreaterThanOrEqual(3); }, 10_000);
    expect(room.isHealthy).toBe(false);
    disk.mend();
    await recovered(room);
    await room.commit(anExchange({ exchangeId: "after" }));
    expect(await exchangeIds(folder)).toEqual(["before", "after"]);
    expect((await verifyAudit(folder)).problem).toBeNull();
  });

  test("at the start keeps the log from opening", async () => {
    const [disk, folder] = [new FaultyDisk(), aFolder()];
    disk.fail("sync", "EIO");
    await expect(anAuditRoom(folder, {}, { openFile: disk.open })).rejects.toMatchObject(UNAVAILABLE);
    disk.mend();
    await (await anAuditRoom(folder, {}, { openFile: disk.open })).commit(anExchange());
    expect((await verifyAudit(folder)).problem).toBeNull();
  });
});

describe("a disk that hangs", () => {
  test("refuses after the deadline like one that fails, then at once, and is healthy again when it answers", async () => {
    const { room, disk, folder } = await aRoomOnFaultyDisk({ commitDeadlineMs: 1_000 });
    const answer = Promise.withResolvers<void>();
    disk.hang = answer.promise;
    const first = room.commit(anExchange({ exchangeId: "late" }));
    await expect(first).rejects.toMatchObject(UNAVAILABLE);
    expect(room.isHealthy).toBe(false);
    const before = performance.now();
    await expect(room.commit(anExchange())).rejects.toThrow("does not answer");
    expect(performance.now() - before).toBeLessThan(500);
    room.enqueue(aDeniedExchange({ exchangeId: "queued" }));
    disk.hang = null;
    answer.resolve();
    await recovered(room);
    await room.commit(anExchange({ exchangeId: "after" }));
    // What was late is in the chain although its caller was refused: a record too many tells of no effect that was not.
    expect(await exchangeIds(folder)).toEqual(["late", "queued", "after"]);
    expect((await verifyAudit(folder)).problem).toBeNull();
  });

  test("is given no more than the queue holds", async () => {
    const { room, disk } = await aRoomOnFaultyDisk({ commitDeadlineMs: 60_000, queueLimitBytes: 65_536 });
    const answer = Promise.withResolvers<void>();
    disk.hang = answer.promise;
    const refused = Array.from({ length: 60 }, async () => room.commit(anExchange())).map(async (commit) => commit.then(() => "kept", (error: unknown) => (error as Error).message));
    expect(await Promise.race(refused.toReversed())).toMatch(/bytes of records wait for the disk/);
    disk.hang = null;
    answer.resolve();
    const outcomes = await Promise.all(refused);
    expect(outcomes.filter((outcome) => outcome === "kept").length).toBeGreaterThan(30);
  });
});

describe("a writer that dies", () => {
  test("by kill -9 under load has every receipt that it gave in the chain, and the next writer goes on", async () => {
    const folder = aFolder();
    const receipts: { sequence: number; hash: string }[] = [];
    for (let round = 0; round < 3; round += 1) {
      const { child, lines } = aWriter([process.execPath], folder, 32, { segmentBytes: 300_000 });
      let count = 0;
      for await (const line of lines) {
        const [word, sequence = "", hash = ""] = line.split(" ");
        if (word === "ok") receipts.push({ sequence: Number(sequence), hash });
        if (word === "ok" && (count += 1) === 150 + round * 77) child.kill("SIGKILL");
      }
    }
    const events = await hashesBySequence(folder);
    for (const { sequence, hash } of receipts) expect(events.get(sequence)).toBe(hash);
    expect(receipts.length).toBeGreaterThan(450);
    await (await anAuditRoom(folder)).commit(anExchange());
    expect((await verifyAudit(folder)).problem).toBeNull();
  });

  const hasStrace = spawnSync("strace", ["-qq", "-e", "trace=none", "true"]).status === 0;
  test.skipIf(!hasStrace && readEnvironment()["CI"] !== "1")("by the kernel's own EIO from a write through to the device, seen through strace, refuses and goes on in a new file", async () => {
    const folder = aFolder();
    const strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", segmentPath(folder, 0), "-e", "trace=write", "-e", "inject=write:error=EIO:when=12", process.execPath];
    const { child, lines } = aWriter(strace, folder, 4);
    const words: string[] = [];
    for await (const line of lines) {
      const word = line.split(" ")[0] ?? "";
      if (word !== words.at(-1)) words.push(word);
      if (words.join(" ") === "ready ok no ok") {
        spawnSync("kill", ["-KILL", ...childrenOf(child)]);
        child.kill("SIGKILL");
      }
    }
    expect(words.slice(0, 4)).toEqual(["ready", "ok", "no", "ok"]);
    expect(await listSegments(folder)).toHaveLength(2);
    await (await anAuditRoom(folder)).commit(anExchange());
    expect((await storedEvents(folder)).some((event) => event.activity_name === "audit.gap" && event.unmapped.weir.fields.reason === "write-failed")).toBe(true);
    expect((await verifyAudit(folder)).problem).toBeNull();
  });
});

type Writer = ChildProcessByStdio<null, Readable, null>;

function aWriter(command: readonly string[], folder: string, callers: number, section: object = {}): { child: Writer; lines: AsyncIterable<string> } {
  const [program = "", ...options] = command;
  const child = spawn(program, [...options, join(import.meta.dirname, "../support/audit-writer.ts"), folder, String(callers), JSON.stringify(section)], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  return { child, lines: createInterface({ input: child.stdout }) };
}

function childrenOf(child: Writer): string[] {
  return spawnSync("ps", ["-o", "pid=", "--ppid", String(child.pid)], { encoding: "utf8" }).stdout.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

/** Hash by sequence of what is stored, a last line without its end left out. */
async function hashesBySequence(folder: string): Promise<Map<number, string>> {
  const lines = (await listSegments(folder)).flatMap((segment) => readFileSync(segment.path, "utf8").split("\n").slice(0, -1));
  return new Map(lines.map((line) => seen(line)).map((event) => [event.metadata.sequence, event.attestation_list[0]?.fingerprint.value ?? ""]));
}
