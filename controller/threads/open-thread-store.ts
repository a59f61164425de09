import { readConfigFile } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { Log } from "../../common/log.ts";
import type { ThreadsConfig } from "./config.ts";
import { demandTable } from "./demand-table.ts";
import { messagesTable } from "./messages-table.ts";
import { migrate } from "./migrations.ts";
import { openPglite } from "./pglite-driver.ts";
import { openPostgres } from "./postgres-driver.ts";
import { relationsTable } from "./relations-table.ts";
import type { RoomLimits } from "./room.ts";
import { SIGNALS_CHANNEL } from "./signals.ts";
import type { SqlDriver } from "./sql-driver.ts";
import type { ThreadStore } from "./thread-store.ts";
import { threadsTable } from "./threads-table.ts";

/**
 * Opens the store that the configuration names and brings its schema up to date.
 * @throws UserError if the file with the URL, the folder or the schema is unfit; StoreUnavailable if PostgreSQL does not answer
 */
export async function openThreadStore(config: ThreadsConfig, log: Log): Promise<ThreadStore> {
  const driver = config.urlFile === undefined ? await openPglite(config.directory ?? null) : openPostgres(readUrl(config.urlFile), config, log);
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
    ...threadsTable(driver), ...messagesTable(driver, limits), ...demandTable(driver), ...relationsTable(driver),
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

function readUrl(path: string): string {
  const url = readConfigFile(path).trim();
  if (/^postgres(ql)?:\/\/\S+$/.test(url)) return url;
  throw new UserError(`${path} holds no URL of PostgreSQL`, "It is written postgres://USER:PASSWORD@HOST/DATABASE, nothing else in the file.", EXIT.config);
}
