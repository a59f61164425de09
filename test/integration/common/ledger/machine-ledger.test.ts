import { execFile } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accountKey } from "../../../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import { LedgerUnavailable } from "../../../../common/ledger/ledger-store.ts";
import { MachineLedger } from "../../../../common/ledger/machine-ledger.ts";
import { silentLog } from "../../../../common/log.ts";

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

  test("is unavailable where it cannot be opened, and says so each time", async () => {
    await writeFile(join(state, "budget"), "a file where the folder should be");
    const ledger = start();
    await expect(ledger.slicesOf("h")).rejects.toThrow(LedgerUnavailable);
    await expect(ledger.slicesOf("h")).rejects.toThrow(LedgerUnavailable);
  });
});
