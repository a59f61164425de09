import { bringUpToDate } from "../../common/sql/schema.ts";
import type { SqlDriver } from "../../common/sql/sql-driver.ts";

/** Any number that nobody else takes a lock on in this database: `weir` in ASCII. */
const MIGRATION_LOCK = 0x77656972;

/**
 * The schema, step by step. A step that has been released is never changed; a new one is put at the end. Times are milliseconds since the
 * epoch: they are the callers', not the database's.
 */
const STEPS: readonly (readonly string[])[] = [
  [
    `create table threads (
      uid text primary key, namespace text not null, name text not null, agent text not null, owner text not null, parent_uid text,
      created_at_ms bigint not null, archived_at_ms bigint, last_seq bigint not null default 0, last_activity_ms bigint)`,
    `create index threads_by_name on threads (namespace, name)`,
    `create index threads_by_time on threads (created_at_ms desc, uid desc) where archived_at_ms is null`,
    `create index threads_by_parent on threads (parent_uid, agent) where parent_uid is not null and archived_at_ms is null`,
    `create table messages (
      thread_uid text not null references threads (uid) on delete cascade, seq bigint not null, id text not null unique,
      role text not null check (role in ('user', 'agent', 'system')), sender text not null, is_for_agent boolean not null, body text not null, key text,
      accepted_at_ms bigint not null, acknowledged_at_ms bigint, primary key (thread_uid, seq))`,
    `create unique index messages_by_key on messages (thread_uid, key) where key is not null`,
    `create index messages_unread on messages (thread_uid, seq) where is_for_agent and acknowledged_at_ms is null`,
    `create table start_attempts (
      thread_uid text primary key references threads (uid) on delete cascade,
      failures integer not null, last_failure_ms bigint not null, reason text not null, fingerprint text not null)`,
    `create table relations (
      object_kind text not null check (object_kind in ('agent', 'thread')), object text not null,
      relation text not null check (relation in ('owner', 'maintainer', 'participant')), subject text not null,
      primary key (object_kind, object, relation, subject))`,
    `create index relations_by_subject on relations (subject, object_kind, object)`,
    `create table child_places (
      parent_uid text not null references threads (uid) on delete cascade, name text not null, agent text not null, taken_at_ms bigint not null,
      primary key (parent_uid, name))`,
  ],
  [
    "alter table threads add column bytes bigint not null default 0",
    "update threads t set bytes = (select coalesce(sum(octet_length(body)), 0) from messages m where m.thread_uid = t.uid)",
  ],
  [
    `create table child_allowances (
      parent_uid text not null references threads (uid) on delete cascade, name text not null, allowance jsonb not null, primary key (parent_uid, name))`,
    "alter table threads add column exhaustion jsonb",
  ],
];

/**
 * Brings the schema up to date, all steps or none. Controllers that start at once wait for each other.
 * @throws UserError if the database was written by a newer controller
 */
export async function migrate(driver: SqlDriver): Promise<void> {
  await bringUpToDate(driver, { lock: MIGRATION_LOCK, versionsTable: "schema_migrations", steps: STEPS });
}
