import { bringUpToDate } from "../../common/sql/schema.ts";
import type { SqlDriver } from "../../common/sql/sql-driver.ts";

/** Any number that nobody else takes a lock on in this database: `wapr` in ASCII. */
const MIGRATION_LOCK = 0x77617072;

/** The schema, step by step. A step that has been released is never changed; a new one is put at the end. Times are milliseconds since the epoch. */
const STEPS: readonly (readonly string[])[] = [
  [
    `create table approval_questions (
      id text primary key, node text not null, proxy text not null, namespace text not null, thread_uid text, rule text not null, view jsonb not null,
      expires_at_ms bigint not null, state text not null default 'open' check (state in ('open', 'allowed', 'denied', 'expired', 'withdrawn')),
      scope text check (scope in ('once', 'thread')), decided_by text, reason text not null default '', ended_at_ms bigint, is_heard boolean not null default false)`,
    "create index approval_questions_open on approval_questions (namespace, expires_at_ms) where state = 'open'",
    "create index approval_questions_untold on approval_questions (node, proxy) where not is_heard",
    `create table thread_approvals (
      id text primary key, namespace text not null, agent text not null, thread text not null, thread_uid text, rule text not null,
      allowed_by text not null, reason text not null, allowed_at_ms bigint not null, expires_at_ms bigint not null,
      revoked_at_ms bigint, revoked_by text, revoke_reason text)`,
    "create table approval_messages (id text primary key, body text not null, failed integer not null default 0, next_at_ms bigint not null)",
    "create index approval_messages_due on approval_messages (next_at_ms)",
  ],
  ["alter table approval_questions add column started_at_ms bigint not null default 0"],
  [
    "alter table approval_questions add column delivery text check (delivery in ('went-on', 'refused', 'client-left', 'too-late', 'lost'))",
    "create index approval_questions_undelivered on approval_questions (node) where delivery is null and state in ('allowed', 'denied')",
  ],
];

/** Brings the schema up to date, all steps or none. @throws UserError if the database was written by a newer controller */
export async function migrate(driver: SqlDriver): Promise<void> {
  await bringUpToDate(driver, { lock: MIGRATION_LOCK, versionsTable: "approval_migrations", steps: STEPS });
}
