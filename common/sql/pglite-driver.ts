import { mkdir } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import { EXIT, UserError } from "../exit-codes.ts";
import type { SqlDriver } from "./sql-driver.ts";

/**
 * PostgreSQL inside this process: one connection, statements one after another. Only one process may use a folder at a time.
 * @param directory made if it is missing; null keeps everything in memory
 * @throws UserError if the folder cannot be used
 */
export async function openPglite(directory: string | null): Promise<SqlDriver> {
  const database = await start(directory);
  return {
    query: async (text, values = []) => (await database.query<Record<string, unknown>>(text, [...values])).rows,
    transaction: async (work) => database.transaction(async (transaction) => work({
      query: async (text, values = []) => (await transaction.query<Record<string, unknown>>(text, [...values])).rows,
    })),
    listen: async (channel, onNotice) => database.listen(channel, onNotice),
    close: async () => { await database.close(); },
  };
}

async function start(directory: string | null): Promise<PGlite> {
  try {
    if (directory !== null) await mkdir(directory, { recursive: true, mode: 0o700 });
    // Durable before an answer: what was answered is not lost with the process.
    return await PGlite.create({ ...(directory === null ? {} : { dataDir: directory }), relaxedDurability: false });
  } catch (cause) {
    const hint = "Check that the folder is Weir's own and no other process uses it.";
    throw new UserError(`the embedded database in ${directory ?? "memory"} does not start`, hint, EXIT.unavailable, { cause });
  }
}
