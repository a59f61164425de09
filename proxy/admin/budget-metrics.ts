import type { BudgetTotal } from "../model/standing.ts";
import type { AddGauge, Standing } from "./standing-metrics.ts";

/** Budgets with series of their own; more are not shown. */
const BUDGET_LIMIT = 1_000;

/**
 * Registers the gauges of budgets and of their ledger. Every proxy shows the ledger's own numbers of all proxies together, as it last heard them: over
 * proxies they are compared (`max`), never added up.
 */
export function observeBudgets(gauge: AddGauge, { budgets, ledger }: Pick<Standing, "budgets" | "ledger">): void {
  const add = (name: string, help: string, amount: (total: BudgetTotal) => number | null | undefined): void => {
    gauge(name, help, ["budget", "meter", "namespace"], (shown) => {
      for (const total of budgets().slice(0, BUDGET_LIMIT)) {
        const value = amount(total);
        if (typeof value === "number") shown.set({ budget: total.id, meter: total.meter, namespace: total.namespace ?? "" }, value);
      }
    });
  };
  add("weir_budget_limit", "Most that a budget allows in its window: dollars, or units of its meter.", ({ limit }) => limit);
  add("weir_budget_spent", "What was charged to a budget in its window, by all proxies.", ({ settled }) => settled);
  add("weir_budget_held", "What proxies hold of a budget: open requests, and what is lent to them ahead.", ({ reserved }) => reserved);
  add("weir_budget_lost", "What proxies hold that no longer answer; it counts as spent.", ({ lost }) => lost);
  add("weir_budget_share", "How much of its limit a budget has spent, 1 is all; of the fullest count where each agent, user or thread has one.", ({ share }) => share);
  add("weir_budget_window_start_timestamp_seconds", "When the window of a budget began, in seconds since 1970.", ({ startsAtMs }) => seconds(startsAtMs));
  add("weir_budget_window_end_timestamp_seconds", "When the window of a budget ends, in seconds since 1970; absent where it does not.", ({ endsAtMs }) => seconds(endsAtMs));
  add("weir_budget_waiting", "1 while a threshold of a budget waits for a person.", ({ isWaiting }) => (isWaiting === undefined ? null : Number(isWaiting)));
  if (ledger !== undefined) {
    gauge("weir_ledger_up", "1 while the ledger of budgets answers this proxy; at 0 only what is lent to it is spent.", [], (up) => { up.set(ledger().isUp ? 1 : 0); });
    gauge("weir_ledger_answered_timestamp_seconds", "When the ledger last answered this proxy, in seconds since 1970.", [], (answered) => { answered.set(seconds(ledger().answeredAtMs) ?? 0); });
  }
}

function seconds(timeMs: number | null | undefined): number | null {
  return typeof timeMs === "number" ? timeMs / 1_000 : null;
}
