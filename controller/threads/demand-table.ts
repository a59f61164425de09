import type { Row, SqlDriver } from "../../common/sql/sql-driver.ts";
import { attemptsRow, demandRow } from "./rows.ts";
import { notify } from "./signals.ts";
import { ThreadGone, type Demand, type ThreadStore } from "./thread-store.ts";

type Demands = Pick<ThreadStore, "demand" | "demands" | "demandsOf" | "noteActivity" | "startAttempts" | "noteFailedStart" | "clearStarts">;

const DEMAND = `select t.uid, t.last_activity_ms, t.exhaustion, count(m.seq) as unread, min(m.accepted_at_ms) as oldest_unread_ms, max(m.accepted_at_ms) as newest_unread_ms
  from threads t left join messages m on m.thread_uid = t.uid and m.is_for_agent and m.acknowledged_at_ms is null`;
const ATTEMPTS = "failures, last_failure_ms, reason, fingerprint";
/** A reason is shown in a status condition, whose message is short. */
const REASON_LIMIT = 1_024;

export function demandTable(driver: SqlDriver): Demands {
  return {
    demand: async (threadUid) => {
      const [row] = await driver.query(`${DEMAND} where t.uid = $1 group by t.uid`, [threadUid]);
      if (row === undefined) return { threadUid, unread: 0, oldestUnreadMs: null, newestUnreadMs: null, lastActivityMs: null };
      return demandRow(row);
    },
    demands: async () => byThread(await driver.query(`${DEMAND} where t.archived_at_ms is null group by t.uid`)),
    demandsOf: async (threadUids) => {
      if (threadUids.length === 0) return new Map();
      return byThread(await driver.query(`${DEMAND} where t.uid = any($1::text[]) group by t.uid`, [threadUids]));
    },
    noteActivity: async (activity) => {
      if (activity.size === 0) return;
      await driver.query(
        `update threads t set last_activity_ms = a.at_ms from unnest($1::text[], $2::bigint[]) as a (uid, at_ms)
          where t.uid = a.uid and coalesce(t.last_activity_ms, 0) < a.at_ms`, [[...activity.keys()], [...activity.values()].map(Math.trunc)]);
    },
    startAttempts: async (threadUid) => {
      const [row] = await driver.query(`select ${ATTEMPTS} from start_attempts where thread_uid = $1`, [threadUid]);
      return row === undefined ? null : attemptsRow(row);
    },
    noteFailedStart: async (threadUid, failure, nowMs) => driver.transaction(async (statements) => {
      const [row] = await statements.query(
        `insert into start_attempts as a (thread_uid, failures, last_failure_ms, reason, fingerprint) select uid, 1, $2, $3, $4 from threads where uid = $1
          on conflict (thread_uid) do update set last_failure_ms = excluded.last_failure_ms, reason = excluded.reason, fingerprint = excluded.fingerprint,
            failures = case when a.fingerprint = excluded.fingerprint then a.failures + 1 else 1 end
          returning ${ATTEMPTS}`, [threadUid, nowMs, failure.reason.replaceAll("\0", "").slice(0, REASON_LIMIT), failure.fingerprint]);
      if (row === undefined) throw new ThreadGone(`thread ${threadUid} was never there`);
      await notify(statements, threadUid);
      return attemptsRow(row);
    }),
    clearStarts: async (threadUid) => { await driver.query("delete from start_attempts where thread_uid = $1", [threadUid]); },
  };
}

function byThread(rows: readonly Row[]): ReadonlyMap<string, Demand> {
  return new Map(rows.map(demandRow).map((demand) => [demand.threadUid, demand]));
}
