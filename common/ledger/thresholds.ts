import type { Threshold } from "./account.ts";
import type { Crossing } from "./ledger-store.ts";
import { askInForce, limitOf, type AccountRow, type WindowRow } from "./rows.ts";

export interface Told {
  readonly window: WindowRow;
  readonly crossings: readonly Crossing[];
}

/** Thresholds that the window has reached and nobody was told of yet. In a window, each is told once. */
export function crossThresholds(account: AccountRow, window: WindowRow): Told {
  const limit = limitOf(account, window);
  const reached = account.spec.thresholds.filter(({ percent }) => limit > 0n && window.settled * 100n >= limit * BigInt(percent));
  return tell(account, window, reached);
}

/** The threshold that waits for a person has just turned somebody away: settled seldom comes to its share exactly. */
export function crossAsk(account: AccountRow, window: WindowRow): Told {
  const ask = askInForce(account, window);
  return tell(account, window, ask === null ? [] : [ask]);
}

/** The threshold at which spending has stopped until a person approves, in per cent; null if it has not. */
export function waitsAt(account: AccountRow, window: WindowRow): number | null {
  const ask = askInForce(account, window);
  return ask !== null && window.told.includes(nameOfThreshold(ask)) ? ask.percent : null;
}

function tell(account: AccountRow, window: WindowRow, thresholds: readonly Threshold[]): Told {
  const fresh = thresholds.filter((threshold) => !window.told.includes(nameOfThreshold(threshold)));
  if (fresh.length === 0) return { window, crossings: [] };
  const { key, budget } = account.spec;
  const crossings = fresh.map(({ percent, action }) => ({ key, budget, percent, action, settled: window.settled, limit: limitOf(account, window) }));
  return { window: { ...window, told: [...window.told, ...fresh.map(nameOfThreshold)] }, crossings };
}

function nameOfThreshold({ percent, action }: Threshold): string {
  return `${percent}:${action}`;
}
