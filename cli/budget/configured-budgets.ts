import { amountOf, type BudgetConfig } from "../../proxy/operator.ts";
import type { BudgetBook } from "./budget-book.ts";

const OWN_METERS = ["requests", "bytes", "tokens", "usd"] as const;

/** What the configuration of one machine allows: the limits of every agent for itself, then the named ones. */
export function configuredBudgets({ perAgent, named }: Pick<BudgetConfig, "perAgent" | "named">): BudgetBook["configured"] {
  const own = OWN_METERS.flatMap((meter) => {
    const limit = perAgent[meter];
    return limit === undefined ? [] : [{ budget: `agent.${meter}`, meter, limit: amountOf(meter, limit), window: perAgent.window, timezone: "UTC" }];
  });
  return [...own, ...Object.entries(named).map(([budget, { meter, limit, window, timezone }]) => ({ budget, meter, limit: amountOf(meter, limit), window, timezone }))];
}
