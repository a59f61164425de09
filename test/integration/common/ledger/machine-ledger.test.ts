import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accountKey } from "../../../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import { LedgerUnavailable } from "../../../../common/ledger/ledger-store.ts";
import { MachineLedger } from "../../../../common/ledger/machine-ledger.ts";
import { writeWire } from "../../../../common/ledger/wire.ts";
import { silentLog } from "../../../../common/log.ts";

const HOST = join(import.meta.dirname, "../../../support/ledger-host.ts");
/** On a machine that has other things to do, too. */
const TAKEN_OVER_MS = 10_000;
const SPENDER = join(import.meta.dirname, "../../../support/budget-spender.ts");
const account: AccountSpec = {
  key: accountKey({ budget: "team", meter: "requests", window: "total", scope: "all", shared: [] }),
  budget: "team", meter: "requests", limit: 10n, window: "total", timezone: "UTC", thresholds: [],
};
const claim = (known: bigint) => [{ account, windowStartMs: known === 0n ? null : 0, known, need: 1n, want: 1n }];

let state: string;
let open: MachineLedger[];
const start = () => {
  const ledger = new MachineLedger(join(state, "budget"), {}, silentLog);
  open.push(ledger);
  return ledger;
};

/** What is asked until somebody answers; nobody may be silent for longer than a takeover lasts. */
async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + TAKEN_OVER_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof LedgerUnavailable) || performance.now() > deadlineMs) throw error;
    }
  }
}

beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), "weir-machine-"));
  open = [];
});
afterEach(async () => {
  for (const ledger of open) await ledger.close();
  await rm(state, { recursive: true });
});

describe("the ledger of a machine", () => {
  test("is one for all its processes, whoever of them keeps it, and goes on when that one stops", { timeout: 60_000 }, async () => {
    const [first, second, third] = [start(), start(), start()];
    await first.acquire("a", claim(0n));
    await second.acquire("b", claim(0n));
    expect((await third.acquire("c", claim(0n))) as unknown).toMatchObject({ kind: "granted", grants: [{ outstanding: 3n }] });
    await first.close();
    const again = await second.acquire("b", claim(1n)).catch(async (error: unknown) => {
      expect(error).toBeInstanceOf(LedgerUnavailable);
      return second.acquire("b", claim(1n));
    });
    expect(again).toMatchObject({ kind: "granted", grants: [{ granted: 2n, outstanding: 4n }] });
    expect(await third.standings({ limit: 1 }).catch(async () => third.standings({ limit: 1 }))).toMatchObject([{ outstanding: 4n }]);
  });

  test("can be opened by its owner alone, and leaves nothing where nobody asks it", { timeout: 60_000 }, async () => {
    const ledger = start();
    await expect(stat(join(state, "budget"))).rejects.toThrow("ENOENT");
    await ledger.open();
    expect([(await stat(join(state, "budget"))).mode & 0o777, (await stat(join(state, "budget", "ledger.sock"))).mode & 0o777]).toEqual([0o700, 0o600]);
  });

  test("outlives a process that is killed while it keeps it", { timeout: 120_000 }, async () => {
    const run = async (seed: string, point: string) => new Promise<bigint>((resolve) => {
      execFile(process.execPath, [SPENDER, state, seed, point], (_error, stdout) => { resolve(BigInt(stdout.trim())); });
    });
    const charged = await run("1", "before-settle") + await run("2", "never");
    expect(await start().standings({ budget: "team", limit: 1 })).toMatchObject([{ settled: charged, outstanding: 0n }]);
  });

  test("is taken over by those who ask it when the process that keeps it is killed, with everything that was held", { timeout: 120_000 }, async () => {
    const keeper = spawn(process.execPath, [HOST, join(state, "budget"), writeWire({ holder: "keeper", claims: claim(0n) })], { stdio: ["ignore", "pipe", "inherit"] });
    expect(await once(createInterface(keeper.stdout), "line")).toEqual(["held"]);
    const [first, second] = [start(), start()];
    await first.acquire("a", claim(0n));
    await second.acquire("b", claim(0n));
    keeper.kill("SIGKILL");
    await once(keeper, "exit");
    const after = await Promise.all([untilAnswered(async () => first.acquire("a", claim(1n))), untilAnswered(async () => second.acquire("b", claim(1n)))]);
    expect(after).toMatchObject([{ kind: "granted", grants: [{ granted: 2n }] }, { kind: "granted", grants: [{ granted: 2n }] }]);
    expect(await untilAnswered(async () => second.standings({ limit: 1 }))).toMatchObject([{ outstanding: 5n, settled: 0n }]);
    const left = await untilAnswered(async () => start().acquire("c", [{ ...claim(0n)[0]!, need: 6n, want: 6n }]));
    expect(left).toMatchObject({ kind: "short", shortages: [{ left: 5n }] });
  });

  test("is taken over from a process that lives and asks nothing, when its database has died", { timeout: 120_000 }, async () => {
    const started = once(process, "worker") as Promise<[Worker]>;
    const idle = start();
    await idle.acquire("a", claim(0n));
    const [thread] = await started;
    const other = start();
    await other.acquire("b", claim(0n));
    await thread.terminate();
    expect(await untilAnswered(async () => other.acquire("b", claim(1n)))).toMatchObject({ kind: "granted", grants: [{ granted: 2n, outstanding: 3n }] });
  });

  test("is unavailable where it cannot be opened, and says so each time", async () => {
    await writeFile(join(state, "budget"), "a file where the folder should be");
    const ledger = start();
    await expect(ledger.slicesOf("h")).rejects.toThrow(LedgerUnavailable);
    await expect(ledger.slicesOf("h")).rejects.toThrow(LedgerUnavailable);
  });
});
