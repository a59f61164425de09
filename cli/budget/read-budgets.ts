import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { Standing } from "../../common/ledger/ledger-store.ts";
import { nearNames } from "../../common/near-names.ts";
import type { BudgetBook } from "./budget-book.ts";
import { viewsOf, type BudgetView } from "./budget-view.ts";

/** All budgets of a book. */
export async function readBudgets(book: BudgetBook): Promise<BudgetView[]> {
  return viewsOf(await book.standings(), book.configured);
}

/** One budget, and its counts as the ledger has them. @throws UserError with the names that are most like it, if there is none */
export async function readBudget(book: BudgetBook, name: string): Promise<{ readonly view: BudgetView; readonly standings: readonly Standing[] }> {
  const id = book.idOf(name);
  const standings = await book.standings(id);
  const [view] = viewsOf(standings, book.configured, id);
  if (view !== undefined) return { view, standings };
  const names = (await readBudgets(book)).map(({ budget }) => budget);
  const near = nearNames(id, names);
  const hint = near.length > 0 ? `Did you mean ${near.join(" or ")}?` : names.length === 0 ? "There is no budget at all: docs/budgets.md begins with one." : "`weir budget ls` lists all of them.";
  throw new UserError(`there is no budget ${id} on ${book.place}`, hint, EXIT.failure);
}
