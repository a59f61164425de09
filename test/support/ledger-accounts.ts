import type { AccountSpec } from "../../common/ledger/account.ts";
import type { Acquired, Claim, Grant, LedgerStore, Shortage, SliceReport, Standing } from "../../common/ledger/ledger-store.ts";

let count = 0;

/** An account of a budget that no other test has: 1,000 requests a day, UTC, no thresholds. */
export function anAccount(over: Partial<AccountSpec> = {}): AccountSpec {
  count += 1;
  const budget = `budget-${count}`;
  return { key: `["${over.budget ?? budget}",${count}]`, budget, meter: "requests", limit: 1_000n, window: "day", timezone: "UTC", thresholds: [], ...over };
}

/** A claim of somebody who holds nothing yet and wants what it needs. */
export function aClaim(account: AccountSpec, need: bigint, over: Partial<Claim> = {}): Claim {
  return { account, windowStartMs: null, known: 0n, need, want: need, ...over };
}

export function aReport({ key, windowStartMs }: { readonly key: string; readonly windowStartMs: number }, over: Partial<SliceReport> = {}): SliceReport {
  return { key, windowStartMs, used: 0n, estimated: 0n, returned: 0n, isOver: false, ...over };
}

/** @throws Error if nothing was granted */
export function grantsOf(acquired: Acquired): readonly Grant[] {
  if (acquired.kind !== "granted") throw new Error(`turned away: ${acquired.shortages.map(({ key, left }) => `${key} has ${left}`).join(", ")}`);
  return acquired.grants;
}

/** @throws Error if something was granted */
export function shortagesOf(acquired: Acquired): readonly Shortage[] {
  if (acquired.kind !== "short") throw new Error(`granted: ${acquired.grants.map(({ key, granted }) => `${granted} of ${key}`).join(", ")}`);
  return acquired.shortages;
}

/** The only grant. */
export function grantOf(acquired: Acquired): Grant {
  const [grant] = grantsOf(acquired);
  if (grant === undefined) throw new Error("no grant");
  return grant;
}

/** The only shortage. */
export function shortageOf(acquired: Acquired): Shortage {
  const [shortage] = shortagesOf(acquired);
  if (shortage === undefined) throw new Error("no shortage");
  return shortage;
}

export async function standingOf(store: LedgerStore, account: AccountSpec): Promise<Standing> {
  const standing = (await store.standings({ budget: account.budget, limit: 10_000 })).find(({ account: { key } }) => key === account.key);
  if (standing === undefined) throw new Error(`no standing of ${account.key}`);
  return standing;
}
