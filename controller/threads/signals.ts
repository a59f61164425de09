import type { Statements } from "../../common/sql/sql-driver.ts";

/** Channel of PostgreSQL's NOTIFY; the payload is a thread's UID. */
export const SIGNALS_CHANNEL = "weir_signals";

/** Inside a transaction: told to every listener of every controller once it is committed, and not at all if it is not. */
export async function notify(statements: Statements, threadUid: string): Promise<void> {
  await statements.query("select pg_notify($1, $2)", [SIGNALS_CHANNEL, threadUid]);
}
