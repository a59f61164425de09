import type { z } from "@hono/zod-openapi";
import { readAccountKey } from "../../common/ledger/account-key.ts";
import type { Standing } from "../../common/ledger/ledger-store.ts";
import type { KnownBudget } from "../ledger/known-budgets.ts";
import type { budgetCount, budgetView } from "./budget-schemas.ts";

type BudgetView = z.output<typeof budgetView>;

/** Budgets with their counts, by id: what is known of them, and what the ledger counted of others. */
export function viewsOfBudgets(known: readonly KnownBudget[], standings: readonly Standing[]): BudgetView[] {
  const counted = Map.groupBy(standings, ({ account }) => account.budget);
  const others = [...counted].filter(([id]) => !known.some((budget) => budget.id === id));
  const views = [
    ...known.map((budget) => ({ ...viewOfKnown(budget), counts: viewsOfCounts(counted.get(budget.id) ?? []) })),
    ...others.flatMap(([id, [first, ...more]]) => (first === undefined ? [] : [{ ...viewOfOther(id, first), counts: viewsOfCounts([first, ...more]) }])),
  ];
  return views.sort((one, other) => (one.id < other.id ? -1 : 1));
}

function viewOfKnown({ id, namespace, name, meter, window, timezone, per, parent, limit }: KnownBudget): Omit<BudgetView, "counts"> {
  return { id, namespace, name, meter, window, timezone, per, parent, limit: limit.toString() };
}

/** Not, or no longer, a budget of the cluster: an allowance, what each agent has for itself, one that was deleted. */
function viewOfOther(id: string, { account }: Standing): Omit<BudgetView, "counts"> {
  const { meter, window, timezone, key } = account;
  const namespace = namespaceOfBudget(id);
  const name = namespace === null ? id : id.slice(namespace.length + 1);
  return { id, namespace, name, meter, window, timezone, per: readAccountKey(key)?.scope ?? "all", parent: null, limit: null };
}

function viewsOfCounts(standings: readonly Standing[]): z.output<typeof budgetCount>[] {
  return standings.toSorted((one, other) => shareOf(other) - shareOf(one)).map(({ account, limit, settled, estimated, outstanding, lost, topUp, ...standing }) => ({
    key: account.key, of: sharersOf(account.key), configuredLimit: account.limit.toString(), limit: limit.toString(),
    settled: settled.toString(), estimated: estimated.toString(), outstanding: outstanding.toString(), lost: lost.toString(), topUp: topUp.toString(),
    windowStart: new Date(standing.windowStartMs).toISOString(), windowEnd: standing.windowEndMs === null ? null : new Date(standing.windowEndMs).toISOString(),
    waitsAtPercent: standing.waitsAtPercent,
  }));
}

/** For an order of rows only. */
function shareOf({ settled, limit }: Standing): number {
  return limit === 0n ? Infinity : Number(settled) / Number(limit);
}

/** Who shares a count, as people read it; empty for all. */
export function sharersOf(key: string): string {
  return readAccountKey(key)?.shared.join("/") ?? "";
}

/** Namespaces by these names would be taken for what proxies count for each agent and thread. */
const OWN_COUNTS: readonly string[] = ["agent", "thread"];

/** @param id of a budget @returns null for one of the installation, and for counts that each agent or thread has for itself */
export function namespaceOfBudget(id: string): string | null {
  const dot = id.indexOf(".");
  const namespace = dot === -1 ? null : id.slice(0, dot);
  return namespace === null || OWN_COUNTS.includes(namespace) ? null : namespace;
}
