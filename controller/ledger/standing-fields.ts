import { readAccountKey } from "../../common/ledger/account-key.ts";
import type { Standing } from "../../common/ledger/ledger-store.ts";
import type { MeterName } from "../../common/meters.ts";
import { formatUsd } from "../../common/money.ts";
import type { BudgetStatus } from "../resources/budget.ts";
import type { KnownBudget } from "./known-budgets.ts";

/** As many counts as a status shows; all of them are in `GET /v1/budgets`. */
const COUNTS_LIMIT = 20;

export type StandingFields = Pick<BudgetStatus, "limit" | "spent" | "reserved" | "percent" | "windowEnd" | "waitsForApproval" | "counts">;
type Count = NonNullable<BudgetStatus["counts"]>[number];

/** What a Budget's status says of its counts, the fullest first. Pure. @param standings of this budget, in their current windows */
export function standingFields(budget: KnownBudget, standings: readonly Standing[]): StandingFields {
  const counts = standings.filter(({ account }) => isOf(budget, account.key)).map((standing) => countOf(budget.meter, standing))
    .toSorted((one, other) => other.percent - one.percent || (one.of < other.of ? -1 : 1));
  const [first] = counts;
  if (first === undefined) return { limit: written(budget.meter, budget.limit), spent: written(budget.meter, 0n), reserved: written(budget.meter, 0n), percent: 0 };
  const { of: _, ...fullest } = first;
  return budget.per === "all" ? fullest : { ...fullest, counts: counts.slice(0, COUNTS_LIMIT) };
}

/** Counts of another meter or window are from before the Budget was changed. */
function isOf({ meter, window }: KnownBudget, key: string): boolean {
  const name = readAccountKey(key);
  return name?.meter === meter && name.window === window;
}

function countOf(meter: MeterName, { account, limit, settled, outstanding, lost, windowEndMs, waitsAtPercent }: Standing): Count {
  return {
    of: readAccountKey(account.key)?.shared.join("/") || "all", limit: written(meter, limit), spent: written(meter, settled), reserved: written(meter, outstanding + lost),
    percent: percentOf(settled, limit), ...(windowEndMs === null ? {} : { windowEnd: `${new Date(windowEndMs).toISOString().slice(0, 19)}Z` }),
    ...(waitsAtPercent === null ? {} : { waitsForApproval: true }),
  };
}

/** Rounded down: 100 is all of it. Of nothing, all is spent. */
function percentOf(settled: bigint, limit: bigint): number {
  return limit === 0n ? 100 : Number(settled * 100n / limit);
}

function written(meter: MeterName, amount: bigint): string {
  return meter === "usd" ? formatUsd(amount) : amount.toString();
}

export interface Crossed {
  /** Who shares the count. */
  readonly of: string;
  readonly percent: number;
  readonly fields: Pick<Count, "limit" | "spent">;
}

/** The highest threshold that each count passed since its status was written, if any. A status of an earlier window is of another count. Pure. */
export function crossedSince(before: StandingFields, now: StandingFields, percents: readonly number[]): readonly Crossed[] {
  return countsIn(now).flatMap(({ of, percent, windowEnd, limit, spent }) => {
    const known = countsIn(before).find((count) => count.of === of && count.windowEnd === windowEnd);
    const passed = percents.filter((threshold) => threshold <= percent && threshold > (known?.percent ?? 0));
    return passed.length === 0 ? [] : [{ of, percent: Math.max(...passed), fields: { limit, spent } }];
  });
}

function countsIn({ counts, ...fields }: StandingFields): readonly Count[] {
  if (counts !== undefined) return counts;
  const { limit, spent, reserved, percent, windowEnd } = fields;
  if (limit === undefined || spent === undefined || reserved === undefined || percent === undefined) return [];
  return [{ of: "all", limit, spent, reserved, percent, ...(windowEnd === undefined ? {} : { windowEnd }) }];
}
