import { Gauge, type Registry } from "prom-client";
import { budgetTotals, type BudgetTotal } from "./budget-totals.ts";
import type { LedgerStore } from "./ledger-store.ts";

/** Budgets with series of their own; more are not shown. */
const SERIES_LIMIT = 1_000;
/** Most counts that are read for one scrape. */
const STANDINGS_LIMIT = 10_000;
/** One scrape reads the ledger once, and scrapers that come close together share that, in milliseconds. */
const FRESH_MS = 2_000;

/**
 * Registers the gauges of budgets, read from their ledger at each scrape. While it does not answer they are absent: an old number would look like a
 * new one. Every program at the same ledger shows the same, so that they are compared (`max`), never added up.
 */
export function observeBudgets(registry: Registry, ledger: Pick<LedgerStore, "standings">): void {
  const read = fresh(async () => budgetTotals(await ledger.standings({ limit: STANDINGS_LIMIT })).slice(0, SERIES_LIMIT));
  const add = (name: string, help: string, amount: (total: BudgetTotal) => number | undefined): void => {
    new Gauge({
      name, help, labelNames: ["budget", "meter", "namespace"], registers: [registry],
      async collect() {
        const totals = await read();
        this.reset();
        for (const total of totals) {
          const value = amount(total);
          if (value !== undefined) this.set({ budget: total.budget, meter: total.meter, namespace: total.namespace }, value);
        }
      },
    });
  };
  add("weir_budget_limit", "Most that a budget allows in its window: dollars, or units of its meter.", ({ limit }) => limit);
  add("weir_budget_spent", "What was charged to a budget in its window.", ({ spent }) => spent);
  add("weir_budget_held", "What is lent to proxies of a budget: for open requests, and a little ahead.", ({ held }) => held);
  add("weir_budget_lost", "What was lent to proxies that no longer answer; it counts as spent.", ({ lost }) => lost);
  add("weir_budget_share", "How much of its limit a budget has spent, 1 is all; of the fullest count where each agent, user or thread has one.", ({ share }) => share);
  add("weir_budget_window_start_timestamp_seconds", "When the window of a budget began; absent where it does not end.", ({ window }) => seconds(window?.startMs));
  add("weir_budget_window_end_timestamp_seconds", "When the window of a budget ends; absent where it does not.", ({ window }) => seconds(window?.endMs));
  add("weir_budget_waiting", "1 while a threshold of a budget waits for a person.", ({ isWaiting }) => Number(isWaiting));
}

function seconds(timeMs: number | undefined): number | undefined {
  return timeMs === undefined ? undefined : timeMs / 1_000;
}

/** Reads at most once in a while; what fails is nothing, and read again next time. */
function fresh(read: () => Promise<readonly BudgetTotal[]>): () => Promise<readonly BudgetTotal[]> {
  let latest: { readonly atMs: number; readonly totals: Promise<readonly BudgetTotal[]> } | null = null;
  return async () => {
    const nowMs = performance.now();
    if (latest === null || nowMs - latest.atMs > FRESH_MS) latest = { atMs: nowMs, totals: read().catch(() => []) };
    return latest.totals;
  };
}
