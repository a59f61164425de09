import type { Statements } from "../../common/sql/sql-driver.ts";

/** Channel of PostgreSQL's NOTIFY: something about approvals has changed. */
export const APPROVALS_CHANNEL = "weir_approvals";

/** Inside a transaction: told to every controller once it is committed, and not at all if it is not. */
export async function tellAll(statements: Statements): Promise<void> {
  await statements.query("select pg_notify($1, '')", [APPROVALS_CHANNEL]);
}
