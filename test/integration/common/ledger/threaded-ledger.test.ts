import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterEach, beforeEach, expect, test } from "vitest";
import { accountKey } from "../../../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import { LedgerUnavailable } from "../../../../common/ledger/ledger-store.ts";
import { openThreadedLedger } from "../../../../common/ledger/threaded-ledger.ts";
import { silentLog } from "../../../../common/log.ts";

const account: AccountSpec = {
  key: accountKey({ budget: "team", meter: "requests", window: "total", scope: "all", shared: [] }),
  budget: "team", meter: "requests", limit: 10n, window: "total", timezone: "UTC", thresholds: [],
};
const CLAIM = [{ account, windowStartMs: null, known: 0n, need: 3n, want: 3n }];

let directory: string;
beforeEach(async () => { directory = await mkdtemp(join(tmpdir(), "weir-thread-")); });
afterEach(async () => { await rm(directory, { recursive: true }); });

test("a database is made, and counts, while its caller's thread goes on", { timeout: 120_000 }, async () => {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const startedMs = performance.now();
  const { store } = await openThreadedLedger({ directory }, silentLog);
  expect(await store.acquire("a", CLAIM)).toMatchObject({ kind: "granted", grants: [{ granted: 3n }] });
  delay.disable();
  // Made in one's own thread it is one wait of most of the time.
  expect(delay.max / 1e6).toBeLessThan((performance.now() - startedMs) / 3);
  await store.close();
});

test("what was counted is there after an orderly end, and nothing is answered after it", { timeout: 120_000 }, async () => {
  const { store, isOver } = await openThreadedLedger({ directory }, silentLog);
  await store.acquire("a", CLAIM);
  expect(isOver()).toBe(false);
  await store.close();
  expect(isOver()).toBe(true);
  await expect(store.slicesOf("a")).rejects.toThrow(LedgerUnavailable);
  const again = await openThreadedLedger({ directory }, silentLog);
  expect(await again.store.slicesOf("a")).toMatchObject([{ key: account.key, granted: 3n }]);
  await again.store.close();
});

test("a folder that is none is said at the start", async () => {
  const path = join(directory, "file");
  await writeFile(path, "no folder");
  await expect(openThreadedLedger({ directory: path }, silentLog)).rejects.toThrow("the thread of the ledger has ended");
});
