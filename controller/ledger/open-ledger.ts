import type { Clock } from "../../common/clock.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import { openSqlLedger } from "../../common/ledger/open-ledger.ts";
import type { SqlDriver } from "../../common/sql/sql-driver.ts";

/**
 * The ledger in the database that threads are kept in, with tables of its own. It leaves the database open for the others.
 * @throws UserError if a newer controller wrote the tables; StoreUnavailable if the database does not answer
 */
export async function openControllerLedger(database: SqlDriver, clock: Clock): Promise<LedgerStore> {
  return openSqlLedger({
    query: async (text, values) => database.query(text, values),
    transaction: async (work) => database.transaction(work),
    listen: async (channel, onNotice) => database.listen(channel, onNotice),
    close: async () => {},
  }, { clock });
}
