import type { BudgetBook, Order } from "../../cli/budget/budget-book.ts";
import { accountKey, type Scope } from "../../common/ledger/account-key.ts";
import type { Standing } from "../../common/ledger/ledger-store.ts";

/** A count of `team-a`, dollars a day, of which a quarter is spent; changed as a test says. */
export function standing(over: Partial<Standing> = {}, who: { readonly scope: Scope; readonly shared: readonly string[] } = { scope: "all", shared: [] }): Standing {
  return {
    account: {
      key: accountKey({ budget: "team-a", meter: "usd", window: "day", ...who }), budget: "team-a", meter: "usd", limit: 20_000_000_000n, window: "day", timezone: "UTC", thresholds: [],
    },
    windowStartMs: 0, windowEndMs: 86_400_000, limit: 20_000_000_000n, settled: 5_000_000_001n, estimated: 0n, outstanding: 1_000_000_000n, lost: 0n, topUp: 0n, waitsAtPercent: null, ...over,
  };
}

/** A book with these counts that keeps the orders it gets, and answers with the counts unchanged. */
export function bookOf(standings: readonly Standing[], configured: BudgetBook["configured"] = []): { readonly book: BudgetBook; readonly orders: Order[] } {
  const orders: Order[] = [];
  return {
    orders,
    book: {
      place: "this machine", configured, idOf: (name) => name,
      standings: async (budget) => standings.filter(({ account }) => budget === undefined || account.budget === budget),
      adjust: async (order) => {
        orders.push(order);
        return standings;
      },
      close: async () => undefined,
    },
  };
}
