import type { AccountSpec } from "./account.ts";
import type { Adjustment, HeldSlice, StandingFilter } from "./ledger-store.ts";
import type { AccountRow, Place, SliceRow, WindowRow } from "./rows.ts";

/**
 * Where the rows of a ledger are kept; what they mean is none of its business (counting-store.ts). Rejects with LedgerUnavailable if it is not known
 * what it did.
 */
export interface RowStorage {
  /** Makes the accounts that are missing, in an order that two callers have in common; those that are there are left as they are. */
  ensure(specs: readonly AccountSpec[]): Promise<void>;
  /** All of it happens, once `work` has resolved, or nothing. `work` may be called again from the start, and does nothing but ask these rows. */
  change<T>(work: (rows: LockedRows) => Promise<T>): Promise<T>;
  slicesOf(holder: string): Promise<readonly HeldSlice[]>;
  /** Accounts with the window they count in (null before the first), ordered by budget and key, as they are at one instant. */
  look(filter: StandingFilter, silentBefore: { readonly nowMs: number; readonly ttlMs: number }): Promise<readonly Look[]>;
  /** Keys of a budget, in the order in which they are locked. */
  keysOf(budget: string): Promise<readonly string[]>;
  /** Forgets what nobody will ask for any more: see keeping.ts. */
  forget(nowMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface Look {
  readonly account: AccountRow;
  readonly window: WindowRow | null;
  /** What silent holders have not accounted for. */
  readonly lost: bigint;
}

/** Rows inside one change. */
export interface LockedRows {
  /** Locks accounts, in key order, until the change is over. Those that do not exist are left out of the answer. */
  lock(keys: readonly string[]): Promise<ReadonlyMap<string, AccountRow>>;
  /** Rows of locked accounts, in the order asked for; null for those that do not exist. */
  read(places: readonly Place[], holder: string): Promise<readonly { readonly window: WindowRow | null; readonly slice: SliceRow | null }[]>;
  /** Slices of a locked account in one window, of all holders, that are not over. */
  slicesIn(place: Place): Promise<readonly SliceRow[]>;
  /** Writes rows, new or changed. */
  save(rows: SavedRows): Promise<void>;
  /** An operator's word on all accounts of a budget, those that are still to come too. */
  setBudgetLimit(budget: string, limit: bigint | null): Promise<void>;
  /** The record of what operators did. */
  note(adjustment: Adjustment, atMs: number): Promise<void>;
}

export interface SavedRows {
  readonly accounts?: readonly AccountRow[];
  readonly windows?: readonly WindowRow[];
  readonly slices?: readonly SliceRow[];
}
