import { readAccountKey } from "../../common/ledger/account-key.ts";
import type { Standing } from "../../common/ledger/ledger-store.ts";
import type { MeterName } from "../../common/meters.ts";
import type { BudgetBook } from "./budget-book.ts";

/** One count of a budget, for people. Amounts in units of the meter, `usd` in nano-dollars. */
export interface CountView {
  /** Who shares it: `all`, a namespace, a user, `namespace/agent`, `namespace/agent/thread`; `-` where nobody has used it. */
  readonly who: string;
  readonly key: string | null;
  readonly limit: bigint;
  readonly spent: bigint;
  /** Of what is spent. */
  readonly estimated: bigint;
  /** Lent to proxies: for open requests, and a little ahead. */
  readonly held: bigint;
  /** Held by proxies that no longer answer: counts as spent. */
  readonly lost: bigint;
  /** Never below 0, also if the limit was lowered below what is spent. */
  readonly left: bigint;
  /** Of the limit, spent and lost, in whole per cent; 100 for a limit of 0. */
  readonly percent: number;
  readonly topUp: bigint;
  /** The configured limit, if an operator set another. */
  readonly configuredLimit: bigint | null;
  readonly resetsAtMs: number | null;
  readonly waitsAtPercent: number | null;
}

/** A budget and its counts, the fullest first. One that nobody has used has one count of nothing. */
export interface BudgetView {
  readonly budget: string;
  readonly meter: MeterName;
  readonly window: string;
  readonly timezone: string;
  readonly counts: readonly [CountView, ...CountView[]];
}

/** Everything that a book knows, by budget. Pure. @param budget only this one */
export function viewsOf(standings: readonly Standing[], configured: BudgetBook["configured"], budget?: string): BudgetView[] {
  const views = new Map<string, BudgetView>();
  for (const { budget: id, meter, limit, window, timezone } of configured) {
    if (budget === undefined || id === budget) views.set(id, { budget: id, meter, window, timezone, counts: [unused(limit)] });
  }
  for (const [id, own] of Map.groupBy(standings, ({ account }) => account.budget)) {
    const [first, ...others] = own.map(countOf).toSorted(fullestFirst);
    const account = own[0]?.account;
    if (first !== undefined && account !== undefined) {
      const { meter, window, timezone } = account;
      views.set(id, { budget: id, meter, window, timezone, counts: [first, ...others] });
    }
  }
  return [...views.values()].toSorted((one, other) => (one.budget < other.budget ? -1 : 1));
}

function countOf({ account, limit, settled, estimated, outstanding, lost, topUp, windowEndMs, waitsAtPercent }: Standing): CountView {
  const left = limit - settled - outstanding - lost;
  return {
    who: readAccountKey(account.key)?.shared.join("/") || "all", key: account.key, limit, spent: settled, estimated, held: outstanding, lost,
    left: left > 0n ? left : 0n, percent: percentOf(settled + lost, limit), topUp,
    configuredLimit: limit - topUp === account.limit ? null : account.limit, resetsAtMs: windowEndMs, waitsAtPercent,
  };
}

function unused(limit: bigint): CountView {
  return {
    who: "-", key: null, limit, spent: 0n, estimated: 0n, held: 0n, lost: 0n, left: limit, percent: percentOf(0n, limit), topUp: 0n,
    configuredLimit: null, resetsAtMs: null, waitsAtPercent: null,
  };
}

/** Rounded down: 100 means all of it. */
function percentOf(spent: bigint, limit: bigint): number {
  return limit === 0n ? 100 : Number(spent * 100n / limit);
}

function fullestFirst(one: CountView, other: CountView): number {
  return other.percent - one.percent || (one.who < other.who ? -1 : 1);
}
