import type { MeterName } from "../meters.ts";
import { usdNumber } from "../money.ts";
import { readAccountKey } from "./account-key.ts";
import type { Standing } from "./ledger-store.ts";

/** How a budget stands: its counts in their current windows, for one namespace where they are kept by namespace, else all together. Dollars, or units of the meter. */
export interface BudgetTotal {
  readonly budget: string;
  readonly meter: MeterName;
  /** Empty where several namespaces share the count. */
  readonly namespace: string;
  readonly limit: number;
  readonly spent: number;
  readonly held: number;
  readonly lost: number;
  /** Of the count that is closest to its limit: (spent + lost) / limit; 1 for a limit of 0. */
  readonly share: number;
  /** Wall-clock milliseconds, of the count that began last; null for a window that does not end. */
  readonly window: { readonly startMs: number; readonly endMs: number } | null;
  /** A threshold waits for a person. */
  readonly isWaiting: boolean;
}

/** Adds counts up by budget and namespace, for metrics. Pure. */
export function budgetTotals(standings: readonly Standing[]): BudgetTotal[] {
  const groups = Map.groupBy(standings, ({ account }) => JSON.stringify([account.budget, account.meter, namespaceOf(account.key)]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [totalOf(first, group)];
  });
}

function totalOf({ account: { budget, meter, key } }: Standing, group: readonly Standing[]): BudgetTotal {
  const shown = (amount: bigint) => (meter === "usd" ? usdNumber(amount) : Number(amount));
  const sum = (amount: (standing: Standing) => bigint) => shown(group.reduce((all, standing) => all + amount(standing), 0n));
  const newest = group.reduce((one, other) => (other.windowStartMs > one.windowStartMs ? other : one));
  return {
    budget, meter, namespace: namespaceOf(key),
    limit: sum(({ limit }) => limit), spent: sum(({ settled }) => settled), held: sum(({ outstanding }) => outstanding), lost: sum(({ lost }) => lost),
    share: Math.max(...group.map(({ settled, lost, limit }) => (limit === 0n ? 1 : shown(settled + lost) / shown(limit)))),
    window: newest.windowEndMs === null ? null : { startMs: newest.windowStartMs, endMs: newest.windowEndMs },
    isWaiting: group.some(({ waitsAtPercent }) => waitsAtPercent !== null),
  };
}

function namespaceOf(key: string): string {
  const name = readAccountKey(key);
  return name === null || name.scope === "all" || name.scope === "user" ? "" : name.shared[0] ?? "";
}
