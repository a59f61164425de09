import type { AccountSpec } from "../../common/ledger/account.ts";
import type { Adjustment, Standing } from "../../common/ledger/ledger-store.ts";

/** What an operator wants done to a budget. Whose word it is, the book knows. */
export type Order = DistributiveOmit<Adjustment, "by">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** Where budgets are counted: this machine's ledger, or a cluster's, by its controller. */
export interface BudgetBook {
  /** For people: `this machine`, or which cluster. */
  readonly place: string;
  /** Budgets that are configured, with the specification of a count that nobody has used yet; empty where only the ledger knows them. */
  readonly configured: readonly Pick<AccountSpec, "budget" | "meter" | "limit" | "window" | "timezone">[];
  /** The name of a budget as the ledger has it, from how its user wrote it. */
  idOf(name: string): string;
  /** Counts in their current windows, by budget and key. @param budget id; all if it is left out @throws UserError if nobody answers */
  standings(budget?: string): Promise<readonly Standing[]>;
  /** Does it, and puts it on record. @returns what it changed, afterwards @throws UserError */
  adjust(order: Order, before: readonly Standing[]): Promise<readonly Standing[]>;
  close(): Promise<void>;
}

/** Most counts that are asked for at once. */
export const STANDINGS_LIMIT = 10_000;
