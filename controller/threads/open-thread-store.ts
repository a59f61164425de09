import type { Log } from "../../common/log.ts";
import { openPglite } from "../../common/sql/pglite-driver.ts";
import { openPostgres } from "../../common/sql/postgres-driver.ts";
import { readPostgresUrl } from "../../common/sql/postgres-url.ts";
import type { SqlDriver } from "../../common/sql/sql-driver.ts";
import type { ThreadsConfig } from "./config.ts";
import { demandTable } from "./demand-table.ts";
import { exhaustionTable } from "./exhaustion-table.ts";
import { messagesTable } from "./messages-table.ts";
import { migrate } from "./migrations.ts";
import { relationsTable } from "./relations-table.ts";
import type { RoomLimits } from "./room.ts";
import { SIGNALS_CHANNEL } from "./signals.ts";
import type { ThreadStore } from "./thread-store.ts";
import { threadsTable } from "./threads-table.ts";

/** Opens the database that the configuration names. @throws UserError if the file with the URL or the folder is unfit */
export async function openDatabase(config: ThreadsConfig, log: Log): Promise<SqlDriver> {
  if (config.urlFile === undefined) return openPglite(config.directory ?? null);
  return openPostgres(readPostgresUrl(config.urlFile), { applicationName: "weir-controller", ...config }, log);
}

/**
 * Opens the store in its database and brings its schema up to date. The database is closed with it, or if it cannot be opened.
 * @throws UserError if the schema is unfit; StoreUnavailable if PostgreSQL does not answer
 */
export async function openThreadStore(config: ThreadsConfig, log: Log, database?: SqlDriver): Promise<ThreadStore> {
  const driver = database ?? await openDatabase(config, log);
  try {
    await migrate(driver);
    return await storeOver(driver, config);
  } catch (error) {
    await driver.close();
    throw error;
  }
}

async function storeOver(driver: SqlDriver, limits: RoomLimits): Promise<ThreadStore> {
  const listeners = new Set<(threadUid: string) => void>();
  const stopListening = await driver.listen(SIGNALS_CHANNEL, (threadUid) => {
    for (const listener of [...listeners]) listener(threadUid);
  });
  return {
    ...threadsTable(driver), ...messagesTable(driver, limits), ...demandTable(driver), ...exhaustionTable(driver), ...relationsTable(driver),
    onSignal: (listener) => {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    close: async () => {
      listeners.clear();
      await stopListening();
      await driver.close();
    },
  };
}
