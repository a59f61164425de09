import { bringUpToDate } from "../sql/schema.ts";
import type { SqlDriver } from "../sql/sql-driver.ts";

/** `wled` in ASCII. */
const LOCK = 0x776c6564;

/**
 * Times are milliseconds since the epoch: they are the callers', not the database's. The tables may stand beside those of other programs. Rows are
 * rewritten all the time; the room that is left on their pages keeps indexes out of it.
 */
const STEPS: readonly (readonly string[])[] = [
  [
    `create table ledger_accounts (
      key text primary key, budget text not null, meter text not null, configured_limit bigint not null, window_kind text not null,
      timezone text not null, thresholds text not null, set_limit bigint, open_start_ms bigint, open_end_ms bigint)`,
    `create index ledger_accounts_by_budget on ledger_accounts (budget, key)`,
    `create table ledger_windows (
      key text not null, start_ms bigint not null, end_ms bigint,
      settled bigint not null check (settled >= 0), estimated bigint not null check (estimated >= 0), outstanding bigint not null check (outstanding >= 0),
      top_up bigint not null, approved_percent integer not null, told text not null, wanted_at_ms bigint, want_round integer not null,
      primary key (key, start_ms)) with (fillfactor = 70)`,
    `create index ledger_windows_by_end on ledger_windows (end_ms) where end_ms is not null`,
    `create table ledger_slices (
      key text not null, window_start_ms bigint not null, holder text not null,
      granted bigint not null, used bigint not null, estimated bigint not null, returned bigint not null, written_off bigint not null,
      is_over boolean not null, heard_at_ms bigint not null, told_round integer not null, answered_round integer not null,
      primary key (key, window_start_ms, holder), check (granted >= used + returned + written_off)) with (fillfactor = 70)`,
    `create index ledger_slices_by_holder on ledger_slices (holder) where not is_over`,
    `create table ledger_budgets (budget text primary key, set_limit bigint not null)`,
    `create table ledger_adjustments (
      id bigint generated always as identity primary key, at_ms bigint not null, budget text not null, key text, kind text not null, amount bigint,
      by text not null, why text not null)`,
    `create index ledger_adjustments_by_budget on ledger_adjustments (budget, at_ms)`,
  ],
];

/** Brings the tables of the ledger up to date. @throws UserError if a newer program wrote them */
export async function migrateLedger(driver: SqlDriver): Promise<void> {
  await bringUpToDate(driver, { lock: LOCK, versionsTable: "ledger_migrations", steps: STEPS });
}
