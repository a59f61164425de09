import { EXIT, UserError } from "../exit-codes.ts";
import type { SqlDriver, Statements } from "./sql-driver.ts";

/** A schema and how it came to be. */
export interface Schema {
  /** Any number that nobody else takes a lock on in the database. */
  readonly lock: number;
  /** Table that says which steps have been taken. */
  readonly versionsTable: string;
  /** Statements, step by step. A step that has been released is never changed; a new one is put at the end. */
  readonly steps: readonly (readonly string[])[];
}

/**
 * Takes the steps that are missing, all or none. Programs that start at once wait for each other.
 * @throws UserError if the database was written by a newer program
 */
export async function bringUpToDate(driver: SqlDriver, schema: Schema): Promise<void> {
  await driver.transaction(async (statements) => {
    await statements.query("select pg_advisory_xact_lock($1::bigint)", [schema.lock]);
    await statements.query(`create table if not exists ${schema.versionsTable} (version integer primary key, applied_at timestamptz not null default now())`);
    const [row] = await statements.query(`select coalesce(max(version), 0) as version from ${schema.versionsTable}`);
    await apply(statements, schema, Number(row?.["version"]));
  });
}

async function apply(statements: Statements, { steps, versionsTable }: Schema, current: number): Promise<void> {
  if (current > steps.length) {
    const hint = "Run the newer program, or restore the backup that was taken before it.";
    throw new UserError(`the database has schema ${current}, this program knows ${steps.length}`, hint, EXIT.config);
  }
  for (const [index, step] of steps.entries()) {
    if (index < current) continue;
    for (const statement of step) await statements.query(statement);
    await statements.query(`insert into ${versionsTable} (version) values ($1)`, [index + 1]);
  }
}
