import { StoreUnavailable, type SqlDriver, type Statements } from "../sql/sql-driver.ts";
import { KEPT_BRIEFLY_MS, KEPT_MS, SHORTEST_DAY_MS } from "./keeping.ts";
import { LedgerUnavailable, type Adjustment } from "./ledger-store.ts";
import type { LockedRows, RowStorage } from "./row-storage.ts";
import { accountRow, accountsJson, heldSlice, json, look, sliceRow, slicesJson, specsJson, windowRow, windowsJson } from "./sql-rows.ts";
import {
  CLEAR_BUDGET_LIMIT, ENSURE_ACCOUNTS, FORGET_ACCOUNTS, FORGET_SLICES, FORGET_WINDOWS, KEYS_OF_BUDGET, LOCK_ACCOUNTS, LOOK, NOTE_ADJUSTMENT, READ_PLACES, SAVE,
  SET_BUDGET_LIMIT, SLICES_IN, SLICES_OF_HOLDER,
} from "./sql-statements.ts";

/**
 * Rows of the ledger in PostgreSQL, embedded or across the network. Every change begins by locking its accounts in one order, and the rest is read
 * by later statements, which see what was committed while it waited (read committed): so changes follow each other account by account, and none
 * waits in a circle. Every call ends within `deadlineMs`.
 */
export function sqlRowStorage(driver: SqlDriver, deadlineMs: number): RowStorage {
  const ask = async <T>(work: (deadline: AbortSignal) => Promise<T>): Promise<T> => withinDeadline(work, deadlineMs);
  return {
    ensure: async (specs) => { await ask(async () => driver.query(ENSURE_ACCOUNTS, [specsJson(specs)])); },
    change: async (work) => ask(async (deadline) => driver.transaction(async (statements) => work(lockedRows(until(deadline, statements))))),
    slicesOf: async (holder) => (await ask(async () => driver.query(SLICES_OF_HOLDER, [holder]))).map(heldSlice),
    look: async ({ budget, keys, limit }, { nowMs, ttlMs }) => (await ask(async () => driver.query(LOOK, [budget ?? null, limit, nowMs, ttlMs, keys ?? null]))).map(look),
    keysOf: async (budget) => (await ask(async () => driver.query(KEYS_OF_BUDGET, [budget]))).map((row) => String(row["key"])),
    forget: async (nowMs) => ask(async (deadline) => driver.transaction(async (any) => {
      const statements = until(deadline, any);
      await statements.query(FORGET_SLICES, [nowMs - KEPT_BRIEFLY_MS]);
      await statements.query(FORGET_WINDOWS, [nowMs - KEPT_MS, nowMs - KEPT_BRIEFLY_MS, SHORTEST_DAY_MS]);
      await statements.query(FORGET_ACCOUNTS, [nowMs - KEPT_MS]);
    })),
    close: async () => driver.close(),
  };
}

/** Past the deadline nobody waits for the change any more: it is rolled back rather than granted to nobody. */
function until(deadline: AbortSignal, statements: Statements): Statements {
  return {
    query: async (text, values) => {
      if (deadline.aborted) throw new LedgerUnavailable("the caller does not wait any longer");
      return statements.query(text, values);
    },
  };
}

function lockedRows(statements: Statements): LockedRows {
  return {
    lock: async (keys) => new Map((await statements.query(LOCK_ACCOUNTS, [keys])).map(accountRow).map((account) => [account.spec.key, account])),
    read: async (places, holder) => {
      const asked = json(places.map(({ key, startMs }, index) => ({ index, key, start_ms: startMs })));
      return (await statements.query(READ_PLACES, [asked, holder])).map((row) => ({ window: windowRow(row), slice: sliceRow(row) }));
    },
    slicesIn: async ({ key, startMs }) => (await statements.query(SLICES_IN, [key, startMs])).flatMap((row) => sliceRow(row) ?? []),
    save: async ({ accounts = [], windows = [], slices = [] }) => {
      if (accounts.length + windows.length + slices.length === 0) return;
      await statements.query(SAVE, [accountsJson(accounts), windowsJson(windows), slicesJson(slices)]);
    },
    setBudgetLimit: async (budget, limit) => {
      await (limit === null ? statements.query(CLEAR_BUDGET_LIMIT, [budget]) : statements.query(SET_BUDGET_LIMIT, [budget, limit.toString()]));
    },
    note: async (adjustment, atMs) => {
      const { budget, key = null, kind, by, why } = adjustment;
      await statements.query(NOTE_ADJUSTMENT, [atMs, budget, key, kind, amountOf(adjustment), by, why]);
    },
  };
}

function amountOf(adjustment: Adjustment): string | null {
  if (adjustment.kind === "set") return adjustment.limit?.toString() ?? null;
  return adjustment.kind === "topup" ? adjustment.amount.toString() : null;
}

/** What does not end in time may still take place: the caller is told that nobody knows, and repeats itself. Faults of our own come through as they are. */
async function withinDeadline<T>(work: (deadline: AbortSignal) => Promise<T>, deadlineMs: number): Promise<T> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const give = () => { reject(new LedgerUnavailable(`the database did not answer within ${deadlineMs} ms`)); };
  deadline.addEventListener("abort", give, { once: true });
  try {
    return await Promise.race([work(deadline), late]);
  } catch (error) {
    throw unavailableFrom(error);
  } finally {
    deadline.removeEventListener("abort", give);
  }
}

/** A full disk, a database that is read-only, a connection that is gone: whatever the database says, nothing is known. */
function unavailableFrom(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return new LedgerUnavailable("the database does not answer", { cause: error });
  return isOfTheDatabase(error) ? new LedgerUnavailable("the database refused", { cause: error }) : error;
}

function isOfTheDatabase(error: unknown): boolean {
  return !(error instanceof LedgerUnavailable || error instanceof RangeError || error instanceof TypeError);
}
