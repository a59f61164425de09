import type { Standing } from "./ledger-store.ts";
import type { Look } from "./row-storage.ts";
import { limitOf, newWindow } from "./rows.ts";
import { waitsAt } from "./thresholds.ts";
import { nextWindow } from "./windows.ts";

/** How an account stands in the window of this moment, also if nobody has spent in it yet. */
export function standingOf({ account, window: counted, lost: silent }: Look, nowMs: number): Standing {
  const bounds = nextWindow(account.spec, account.open, nowMs);
  const isOpen = counted !== null && counted.startMs === bounds.startMs;
  const window = isOpen ? counted : newWindow(account.spec.key, bounds);
  const lost = isOpen ? silent : 0n;
  return {
    account: account.spec, windowStartMs: bounds.startMs, windowEndMs: bounds.endMs,
    limit: limitOf(account, window), settled: window.settled, estimated: window.estimated,
    outstanding: window.outstanding - lost, lost, topUp: window.topUp, waitsAtPercent: waitsAt(account, window),
  };
}
