import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import { openPgliteLedger } from "../../../../common/ledger/pglite-ledger.ts";

const ACCOUNT: AccountSpec = {
  key: JSON.stringify(["team", "usd", "total"]), budget: "team", meter: "usd", limit: 100n, window: "total", timezone: "UTC", thresholds: [],
};

test("an embedded ledger knows after a restart what was lent and used before, and lends no more than the rest", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-ledger-"));
  onTestFinished(() => { rmSync(folder, { recursive: true, force: true }); });
  const before = await openPgliteLedger(folder);
  const lent = await before.acquire("first", [{ account: ACCOUNT, windowStartMs: null, known: 0n, need: 60n, want: 60n }]);
  expect(lent).toMatchObject({ kind: "granted", grants: [{ granted: 60n }] });
  await before.close();

  const after = await openPgliteLedger(folder);
  onTestFinished(async () => after.close());
  const [slice] = await after.slicesOf("first");
  expect(slice).toMatchObject({ granted: 60n, used: 0n });
  expect(await after.acquire("second", [{ account: ACCOUNT, windowStartMs: null, known: 0n, need: 41n, want: 41n }])).toMatchObject({ kind: "short" });
  expect(await after.acquire("second", [{ account: ACCOUNT, windowStartMs: null, known: 0n, need: 40n, want: 40n }])).toMatchObject({ kind: "granted" });
});
