import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { registerAudit } from "../../cli/commands/audit.ts";
import type { Io } from "../../cli/io.ts";
import { listSegments } from "../../proxy/audit/directory.ts";
import { latestCheckpoint } from "../../proxy/audit/keeping.ts";
import { findRecords, listChains } from "../../proxy/audit/reader.ts";
import { seen } from "../support/audit-events.ts";
import { aConnection, aDeniedExchange, anAgent, anExchange, aName } from "../support/audit-records.ts";
import { aClosedChain, aFolder, anAuditRoom, editLines } from "../support/audit-room.ts";

/** Runs `weir audit …` and returns what it printed. */
async function weirAudit(words: readonly string[], options: { colors?: boolean; environment?: Io["environment"] } = {}): Promise<{ lines: string[]; exitCode: number }> {
  const lines: string[] = [];
  let exitCode = 0;
  const colors = pc.createColors(options.colors ?? false);
  const io: Io = {
    out: (line) => { lines.push(...line.split("\n")); }, err: () => undefined, colors, errColors: colors, isTerminal: false,
    environment: options.environment ?? {}, exitWith: (code) => { exitCode = code; },
  };
  const program = new Command("weir").exitOverride();
  registerAudit(program, io);
  await program.parseAsync(["node", "weir", "audit", ...words]);
  return { lines, exitCode };
}

async function aMixedChain(folder: string): Promise<void> {
  const room = await anAuditRoom(folder);
  const other = { ...anAgent, name: "browser" };
  room.enqueue(anExchange({ exchangeId: "one" }));
  room.enqueue(aDeniedExchange({ exchangeId: "two", host: "evil.test", path: "/steal?\u001b[2J" }));
  room.enqueue(anExchange({ exchangeId: "three", agent: other, path: `/${"long/".repeat(60)}` }));
  room.enqueue(aName({ queryId: "four", name: "deep.api.github.com" }));
  room.enqueue(aConnection({ connectionId: "five", outcome: "denied", host: "198.51.100.9", error: { code: "policy.denied", detail: "", rule: "addresses.default" } }));
  await room.close();
}

describe("weir audit tail", () => {
  test("shows the newest records in at most 100 columns, and nothing that steers the terminal", async () => {
    const folder = aFolder();
    await aMixedChain(folder);
    const { lines } = await weirAudit(["tail", folder]);
    for (const line of lines) {
      expect(line.length).toBeLessThanOrEqual(100);
      expect(line).not.toMatch(/[\u0000-\u001f]/);
    }
    expect(lines.filter((line) => line.includes("evil.test"))).toEqual([expect.stringMatching(/^00:00:00\.000 denied {2}coder +GET evil\.test\/steal\?\?\[2J +hosts\.default$/)]);
    expect(lines.some((line) => line.includes("audit.segment"))).toBe(false);
    expect(lines.some((line) => line.includes("audit.started"))).toBe(true);
  });

  test.each<[string, string[], string[]]>([
    ["refusals", ["--denied"], ["two", "five"]],
    ["one agent's", ["--agent", "browser"], ["three"]],
    ["one host's", ["--host", "evil.test"], ["two"]],
    ["those below a name", ["--host", "*.github.com"], ["one", "three", "four"]],
    ["the last two", ["-n", "2", "--host", "*.github.com"], ["three", "four"]],
    ["nobody's", ["--agent", "nobody"], []],
  ])("shows only %s if asked", async (_what, options, ids) => {
    const folder = aFolder();
    await aMixedChain(folder);
    const { lines } = await weirAudit(["tail", folder, "-o", "json", ...options]);
    expect(lines.map((line) => seen(line).metadata.correlation_uid)).toEqual(ids);
  });

  test("prints stored records unchanged with -o json", async () => {
    const folder = aFolder();
    await aMixedChain(folder);
    const [segment] = await listSegments(folder);
    const { lines } = await weirAudit(["tail", folder, "-o", "json", "-n", "1000"]);
    const stored = readFileSync(segment!.path, "utf8").split("\n");
    for (const line of lines) expect(stored).toContain(line);
  });

  test("reads over segments", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 20, { segmentBytes: 8_192 });
    const { lines } = await weirAudit(["tail", folder, "-o", "json", "-n", "15", "--agent", "coder"]);
    expect(lines.map((line) => seen(line).http_request?.uid)).toEqual(Array.from({ length: 15 }, (_, at) => `x-${at + 5}`));
  });

  test("colours outcomes on a terminal only", async () => {
    const folder = aFolder();
    await aMixedChain(folder);
    expect((await weirAudit(["tail", folder, "--denied"], { colors: true })).lines.join("")).toContain("\u001b[33mdenied");
    expect((await weirAudit(["tail", folder, "--denied"])).lines.join("")).not.toContain("\u001b");
  });

  test("takes the chain of this machine that was written last if no folder is named", async () => {
    const state = aFolder();
    await aClosedChain(join(state, "weir", "audit", "run-1"), 1);
    await aMixedChain(join(state, "weir", "audit", "up"));
    const { lines } = await weirAudit(["tail", "--denied"], { environment: { XDG_STATE_HOME: state } });
    expect(lines.join()).toContain("evil.test");
    await expect(weirAudit(["tail", aFolder()])).rejects.toThrow("nothing is recorded");
  });
});

describe("weir audit verify", () => {
  test("says that a chain is whole, and exits 0", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 5);
    const { lines, exitCode } = await weirAudit(["verify", folder]);
    expect(lines[0]).toMatch(/^whole \d+ records, 2 signed checkpoints$/);
    expect(exitCode).toBe(0);
  });

  test("names the first bad record, and exits 1", async () => {
    const folder = aFolder();
    await aClosedChain(folder, 5);
    await editLines(folder, (lines) => lines.with(3, lines[3]!.replace("x-1", "x-8")));
    const { lines, exitCode } = await weirAudit(["verify", folder]);
    expect(lines[0]).toBe("broken at record 3: altered: the record does not match its own hash");
    expect(exitCode).toBe(1);
    const json = await weirAudit(["verify", folder, "-o", "json"]);
    expect(JSON.parse(json.lines[0]!)).toMatchObject({ records: 3, problem: { sequence: 3, damage: "altered" } });
    expect(json.exitCode).toBe(1);
  });

  test("holds a chain against a checkpoint and a key that were kept elsewhere", async () => {
    const [folder, kept] = [aFolder(), aFolder()];
    await aClosedChain(folder, 5);
    const [checkpoint, key] = [join(kept, "checkpoint"), join(kept, "key")];
    writeFileSync(checkpoint, `${(await weirAudit(["checkpoint", folder])).lines.join("\n")}\n`);
    copyFileSync(join(folder, "signing.pub"), key);
    expect((await weirAudit(["verify", folder, "--checkpoint", checkpoint, "--key", key])).exitCode).toBe(0);
    const other = aFolder();
    await aClosedChain(other, 5);
    expect((await weirAudit(["verify", other, "--checkpoint", checkpoint])).exitCode).toBe(1);
  });

  test("checks every chain of a folder, but a checkpoint against one only", async () => {
    const parent = aFolder();
    await aClosedChain(join(parent, "a"), 1);
    await aClosedChain(join(parent, "b"), 1);
    await editLines(join(parent, "a"), (lines) => lines.slice(1));
    const { lines, exitCode } = await weirAudit(["verify", parent]);
    expect(lines.filter((line) => line.startsWith("whole"))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith("broken at record 0"))).toHaveLength(1);
    expect(exitCode).toBe(1);
    await expect(weirAudit(["verify", parent, "--checkpoint", "x"])).rejects.toThrow("belongs to one chain");
  });
});

test("weir audit rotate-key replaces the key, and the chain stays whole; a chain in use is refused", async () => {
  const folder = aFolder();
  await aClosedChain(folder, 2);
  const { lines } = await weirAudit(["rotate-key", folder]);
  expect(readFileSync(join(folder, "signing.pub"), "utf8")).toContain(lines[0]);
  expect((await weirAudit(["verify", folder])).exitCode).toBe(0);
  await anAuditRoom(folder);
  await expect(weirAudit(["rotate-key", folder])).rejects.toThrow("already written by process");
});

test("the latest checkpoint is one that the key beside it signed, or a clear message", async () => {
  const [folder, other] = [aFolder(), aFolder()];
  await expect(latestCheckpoint(folder)).rejects.toThrow("there is no checkpoint");
  await aClosedChain(folder, 2);
  await aClosedChain(other, 2);
  expect(await latestCheckpoint(folder)).toMatch(/^weir\.dev\/audit\/[0-9a-f-]{36}\n\d+\n/);
  copyFileSync(join(other, "signing.pub"), join(folder, "signing.pub"));
  await expect(latestCheckpoint(folder)).rejects.toThrow("is not valid");
});

test("findRecords finds a refusal by the id that the agent was told, in whichever chain it is, and the last one without", async () => {
  const root = aFolder();
  await aMixedChain(join(root, "run-1"));
  await aClosedChain(join(root, "run-2"), 1);
  expect(await findRecords(root, { id: "two" })).toMatchObject({ exchangeId: "two", outcome: "denied", error: { rule: "hosts.default" } });
  expect(await findRecords(root, { denied: true })).toMatchObject({ connectionId: "five" });
  expect(await findRecords(root, { id: "none" })).toBeNull();
  expect(await listChains(join(root, "absent"))).toEqual([]);
});
