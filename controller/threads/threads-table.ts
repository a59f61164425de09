import type { SqlDriver, Statements } from "../../common/sql/sql-driver.ts";
import { countChildren, reserveChild } from "./child-places.ts";
import { threadRow, THREAD_COLUMNS } from "./rows.ts";
import { notify } from "./signals.ts";
import { ThreadGone, type ThreadQuery, type ThreadRow, type ThreadStore } from "./thread-store.ts";

type Threads = Pick<ThreadStore,
  | "ensureThread" | "thread" | "threadByName" | "listThreads" | "threadsOtherThan" | "archiveThread" | "forgetThread"
  | "countChildren" | "children" | "reserveChild">;

const CHILDREN_LIMIT = 1_000;

export function threadsTable(driver: SqlDriver): Threads {
  const one = async (text: string, values: readonly unknown[]) => {
    const [row] = await driver.query(text, values);
    return row === undefined ? null : threadRow(row);
  };
  return {
    ensureThread: async (thread, nowMs) => await one(`select ${THREAD_COLUMNS} from threads where uid = $1`, [thread.uid])
      ?? driver.transaction(async (statements) => insertThread(statements, thread, nowMs)),
    thread: async (uid) => one(`select ${THREAD_COLUMNS} from threads where uid = $1`, [uid]),
    threadByName: async (namespace, name) => one(
      `select ${THREAD_COLUMNS} from threads where namespace = $1 and name = $2
        order by archived_at_ms is not null, created_at_ms desc, uid limit 1`, [namespace, name]),
    listThreads: async (query) => listThreads(driver, query),
    threadsOtherThan: async (uids, { createdBeforeMs, limit }) => (await driver.query(
      `select ${THREAD_COLUMNS} from threads where created_at_ms < $2 and not uid = any($1::text[]) order by created_at_ms, uid limit $3`,
      [uids, createdBeforeMs, limit])).map(threadRow),
    archiveThread: async (uid, nowMs) => driver.transaction(async (statements) => {
      const changed = await statements.query("update threads set archived_at_ms = $2 where uid = $1 and archived_at_ms is null returning uid", [uid, nowMs]);
      if (changed.length > 0) await notify(statements, uid);
    }),
    forgetThread: async (uid) => driver.transaction(async (statements) => {
      await statements.query("delete from relations where object_kind = 'thread' and object = $1", [uid]);
      const gone = await statements.query("delete from threads where uid = $1 returning uid", [uid]);
      if (gone.length > 0) await notify(statements, uid);
    }),
    countChildren: async (parentUid, agent) => countChildren(driver, parentUid, agent ?? null),
    children: async (parentUid) => (await driver.query(
      `select ${THREAD_COLUMNS} from threads where parent_uid = $1 and archived_at_ms is null
        order by created_at_ms desc, uid desc limit ${CHILDREN_LIMIT}`, [parentUid]))
      .map(threadRow),
    reserveChild: async (child, nowMs) => driver.transaction(async (statements) => reserveChild(statements, child, nowMs)),
  };
}

async function insertThread(statements: Statements, thread: Parameters<Threads["ensureThread"]>[0], nowMs: number): Promise<ThreadRow> {
  const { uid, namespace, name, agent, owner, parentUid } = thread;
  const inserted = await statements.query(
    `insert into threads (uid, namespace, name, agent, owner, parent_uid, created_at_ms) values ($1, $2, $3, $4, $5, $6, $7)
      on conflict (uid) do nothing returning uid`,
    [uid, namespace, name, agent, owner, parentUid, nowMs]);
  if (inserted.length > 0) {
    await statements.query(
      "insert into relations (object_kind, object, relation, subject) values ('thread', $1, 'owner', $2) on conflict do nothing", [uid, `user:${owner}`]);
    await statements.query(
      "update threads set archived_at_ms = $4 where namespace = $1 and name = $2 and uid <> $3 and archived_at_ms is null", [namespace, name, uid, nowMs]);
    if (parentUid !== null) await statements.query("delete from child_places where parent_uid = $1 and name = $2", [parentUid, name]);
    await notify(statements, uid);
  }
  const [row] = await statements.query(`select ${THREAD_COLUMNS} from threads where uid = $1`, [uid]);
  if (row === undefined) throw new ThreadGone(`thread ${uid} was removed while it was made`);
  return threadRow(row);
}

async function listThreads(driver: SqlDriver, { visibleTo, namespace, agent, limit, after }: ThreadQuery): Promise<readonly ThreadRow[]> {
  const rows = await driver.query(
    `select ${THREAD_COLUMNS} from threads t
      where archived_at_ms is null
        and ($1::text is null or namespace = $1) and ($2::text is null or agent = $2)
        and ($3::bigint is null or (created_at_ms, uid) < ($3::bigint, $4::text))
        and ($5::text[] is null or exists (select 1 from relations r where r.subject = any($5::text[]) and (
          (r.object_kind = 'thread' and r.object = t.uid)
          or (r.object_kind = 'agent' and r.object = t.namespace || '/' || t.agent and r.relation in ('owner', 'maintainer')))))
      order by created_at_ms desc, uid desc limit $6`,
    [namespace ?? null, agent ?? null, after?.createdAtMs ?? null, after?.uid ?? null, visibleTo, limit]);
  return rows.map(threadRow);
}
