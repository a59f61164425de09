import { expect, test } from "vitest";
import { LazyStore } from "../../../../common/ledger/lazy-store.ts";
import { LedgerUnavailable } from "../../../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { silentLog } from "../../../../common/log.ts";
import { TestClock } from "../../../support/test-clock.ts";

test("a lazy store is opened once, by the first call, and tried again where that failed", async () => {
  let opened = 0;
  const store = new LazyStore(async () => {
    opened += 1;
    if (opened === 1) throw new Error("not yet");
    return openMemoryLedger({ clock: new TestClock() });
  }, silentLog);
  await expect(store.slicesOf("a")).rejects.toBeInstanceOf(LedgerUnavailable);
  expect(await Promise.all([store.slicesOf("a"), store.standings({ limit: 1 })])).toEqual([[], []]);
  expect(opened).toBe(2);
});

test("one that was never asked is closed without being opened, and answers nothing afterwards", async () => {
  const store = new LazyStore(() => { throw new Error("opened"); }, silentLog);
  await store.close();
  await expect(store.slicesOf("a")).rejects.toBeInstanceOf(LedgerUnavailable);
});
