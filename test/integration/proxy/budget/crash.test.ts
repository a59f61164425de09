import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../../common/clock.ts";
import { lockFile } from "../../../../common/file-lock.ts";
import type { LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { serveOnSocket } from "../../../../common/ledger/socket-server.ts";
import { silentLog } from "../../../../common/log.ts";
import { journalLine } from "../../../../proxy/budget/journal/journal-lines.ts";
import type { DeathPoint } from "../../../support/budget-spender.ts";

const PROGRAM = join(import.meta.dirname, "../../../support/budget-spender.ts");

/** A ledger that outlives all the processes that spend out of it, served where they look for it. */
let state: string;
let store: LedgerStore;
let stop: () => Promise<void>;

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "weir-crash-"));
  mkdirSync(join(state, "budget"), { mode: 0o700 });
  const unlock = lockFile(join(state, "budget", "ledger.lock"));
  store = openMemoryLedger({ clock: systemClock });
  const server = await serveOnSocket(store, join(state, "budget", "ledger.sock"), silentLog);
  stop = async () => {
    await server.close();
    unlock?.();
  };
});
afterEach(async () => {
  await stop();
  await rm(state, { recursive: true });
});

/** @returns what has to be charged for what it did */
async function spend(seed: number, point: DeathPoint): Promise<bigint> {
  const { stdout, signal } = await new Promise<{ stdout: string; signal: string | null }>((resolve) => {
    execFile(process.execPath, [PROGRAM, state, String(seed), point], (error, out, err) => {
      if (out === "") throw new Error(err);
      resolve({ stdout: out, signal: (error as { signal?: string } | null)?.signal ?? null });
    });
  });
  expect(signal).toBe(point === "never" ? null : "SIGKILL");
  return BigInt(stdout.trim());
}

const total = async (budget: string) => (await store.standings({ budget, limit: 10 })).map(({ settled, estimated, outstanding }) => ({ settled, estimated, outstanding }));
const only = async (budget: string) => {
  const [one] = await total(budget);
  if (one === undefined) throw new Error(`nothing is counted for ${budget}`);
  return one;
};
const journals = async () => (await readdir(join(state, "budget", "journals"))).filter((name) => name.endsWith(".journal"));

describe("a proxy that is killed", () => {
  test.each(["before-send", "before-settle", "before-report"] as const)("%s, again and again, is charged for exactly what was held or used, in every budget above", { timeout: 60_000 }, async (point) => {
    let expected = 0n;
    for (let round = 0; round < 5; round += 1) expected += await spend(Date.now() % 1e6 + round, point);
    expected += await spend(7, "never");
    expect(await total("team")).toMatchObject([{ settled: expected, outstanding: 0n }]);
    expect(await total("org")).toMatchObject([{ settled: expected, outstanding: 0n }]);
    expect(await journals()).toEqual([]);
  });

  test("in the middle of a stream is charged for what passed and at most a little more", { timeout: 30_000 }, async () => {
    await spend(1, "in-stream");
    await spend(2, "never");
    const { settled, outstanding } = await only("traffic");
    expect([settled >= 1_000_000n && settled <= 1_000_000n + 256n * 1024n, outstanding]).toEqual([true, 0n]);
  });

  test("whose journal is torn at its end is charged by what stands before that", { timeout: 30_000 }, async () => {
    const expected = await spend(1, "before-settle");
    const [name = ""] = await journals();
    await appendFile(join(state, "budget", "journals", name), "00000000 1 99");
    expect((await total("team"))[0]?.outstanding).toBeGreaterThan(0n);
    const after = await spend(2, "never");
    expect(await total("team")).toMatchObject([{ settled: expected + after, outstanding: 0n }]);
  });

  test.each([
    ["is damaged in the middle", (text: string) => `${text.split("\n").slice(0, 2).join("\n")}\nnonsense\n${text.split("\n").slice(2).join("\n")}`],
    ["is of another boot of the machine", (text: string) => text.replace(/^.*$/m, () => journalLine(text.split("\n")[0]!.slice(9).replace(/"boot":"[^"]*"/, '"boot":"another"')).trimEnd())],
  ])("and whose journal %s has all charged that it was lent", { timeout: 30_000 }, async (_what, spoil) => {
    await spend(1, "before-settle");
    const [name = ""] = await journals();
    const path = join(state, "budget", "journals", name);
    await writeFile(path, spoil(await readFile(path, "utf8")));
    const { settled, outstanding } = await only("team");
    const after = await spend(2, "never");
    expect(await total("team")).toMatchObject([{ settled: settled + outstanding + after, outstanding: 0n }]);
    expect(existsSync(path)).toBe(false);
  });
});
