import { systemClock, type Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { openPostgres, type PostgresSettings } from "../sql/postgres-driver.ts";
import type { SqlDriver } from "../sql/sql-driver.ts";
import { countingStore } from "./counting-store.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { migrateLedger } from "./sql-schema.ts";
import { sqlRowStorage } from "./sql-store.ts";

export interface LedgerOptions {
  /** Decides which window counts. Default the system's. */
  readonly clock?: Clock;
  /** After so long without a report, a holder's slices count as lost. Default 30 seconds. */
  readonly ttlMs?: number;
  /** Longest time of one call, in milliseconds; what takes longer rejects with LedgerUnavailable. Default 5 seconds. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 5_000;

/**
 * The ledger over a database, with its tables brought up to date. Closing it closes the driver.
 * @throws UserError if a newer program wrote the tables; StoreUnavailable if the database does not answer. The driver is closed then
 */
export async function openSqlLedger(driver: SqlDriver, { clock = systemClock, ttlMs, deadlineMs = DEADLINE_MS }: LedgerOptions = {}): Promise<LedgerStore> {
  try {
    await migrateLedger(driver);
  } catch (error) {
    await driver.close();
    throw error;
  }
  return countingStore(sqlRowStorage(driver, deadlineMs), { clock, ...(ttlMs === undefined ? {} : { ttlMs }) });
}

/** For a cluster: a PostgreSQL 15 or newer. Whoever opens it with the same URL counts with it. */
export async function openPostgresLedger(url: string, settings: PostgresSettings, log: Log, options: LedgerOptions = {}): Promise<LedgerStore> {
  return openSqlLedger(openPostgres(url, settings, log), options);
}
