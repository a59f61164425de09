import { hostname, userInfo } from "node:os";
import { AmountUnfit, LedgerUnavailable, type LedgerStore } from "../../common/ledger/ledger-store.ts";
import { tellStandings } from "../../common/ledger/tell-standings.ts";
import { describeError } from "../../common/lifecycle.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { STANDINGS_LIMIT, type BudgetBook } from "./budget-book.ts";

/** What goes on record of a word on a budget: before it is done, and after. */
export type RecordAdjustment = (event: "budget.adjust-ordered" | "budget.adjusted", fields: Readonly<Record<string, string>>) => Promise<void>;

/** The ledger of one machine. No record, no change: the order is on disk before the ledger hears of it. */
export function localBook(store: LedgerStore, configured: BudgetBook["configured"], record: RecordAdjustment): BudgetBook {
  return {
    place: "this machine", configured,
    idOf: (name) => name,
    standings: async (budget) => heard(async () => store.standings({ limit: STANDINGS_LIMIT, ...(budget === undefined ? {} : { budget }) })),
    adjust: async (order, before) => {
      const by = operator();
      const { kind, budget, why } = order;
      const fields = { kind, budget, by, why, ...(order.key === undefined ? {} : { key: order.key }), ...amountOf(order), before: tellStandings(before) };
      await record("budget.adjust-ordered", fields);
      const after = await heard(async () => store.adjust({ ...order, by }));
      await record("budget.adjusted", { ...fields, after: tellStandings(after) });
      return after;
    },
    close: async () => store.close(),
  };
}

/** Who is at the keyboard, as far as the system knows. */
function operator(): string {
  return `${userInfo().username}@${hostname()}`;
}

function amountOf(order: Parameters<BudgetBook["adjust"]>[0]): { readonly amount?: string } {
  if (order.kind === "set") return { amount: order.limit === null ? "configured" : String(order.limit) };
  return order.kind === "topup" ? { amount: String(order.amount) } : {};
}

async function heard<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AmountUnfit) throw new UserError(error.message, "Give a smaller amount, or set the limit.", EXIT.usage, { cause: error });
    if (!(error instanceof LedgerUnavailable)) throw error;
    throw new UserError(`the ledger does not answer: ${describeError(error)}`, "Is its database up? `weir doctor` says which it is.", EXIT.unavailable, { cause: error });
  }
}
