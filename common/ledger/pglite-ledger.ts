import { openPglite } from "../sql/pglite-driver.ts";
import type { LedgerStore } from "./ledger-store.ts";
import { openSqlLedger, type LedgerOptions } from "./open-ledger.ts";

/**
 * For one machine: durable in a folder that only this process uses. A file of its own, because whoever imports it needs the embedded database beside
 * the program, which the image of the proxy is without.
 * @param directory null keeps it in memory
 */
export async function openPgliteLedger(directory: string | null, options: LedgerOptions = {}): Promise<LedgerStore> {
  return openSqlLedger(await openPglite(directory), options);
}
