import { LIST_LIMIT } from "../../common/approvals/views.ts";
import type { SqlDriver, Statements } from "../../common/sql/sql-driver.ts";
import type { ApprovalStore, StoredQuestion } from "./approval-store.ts";
import type { ApprovalsConfig } from "./config.ts";
import { APPROVAL_COLUMNS, approvalRow, HOLDS } from "./rows.ts";
import { tellAll } from "./signals.ts";

/** As many hold as they may. Revoking some makes room. */
export class TooManyApprovals extends Error {
  override readonly name = "TooManyApprovals";
}

interface Yes {
  readonly question: StoredQuestion;
  readonly by: string;
  readonly reason: string;
  readonly nowMs: number;
}

/** Any number that nobody else takes a lock on in this database: those who add wait for each other, because the limit is one for all of them. */
const LOCK = 0x77617074;

/** @throws TooManyApprovals */
export async function allowThread(statements: Statements, { question: { view, threadUid }, by, reason, nowMs }: Yes, { threadApprovalMs, maxThreadApprovals }: ApprovalsConfig): Promise<void> {
  await statements.query("select pg_advisory_xact_lock($1::bigint)", [LOCK]);
  const [held] = await statements.query(`select count(*) as held from thread_approvals where ${HOLDS}`, [nowMs]);
  if (Number(held?.["held"] ?? 0) >= maxThreadApprovals) throw new TooManyApprovals(`there are ${maxThreadApprovals} approvals of threads already`);
  const { agent, rule } = view;
  await statements.query(
    `insert into thread_approvals (id, namespace, agent, thread, thread_uid, rule, allowed_by, reason, allowed_at_ms, expires_at_ms)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [view.id, agent.namespace, agent.name, agent.thread, threadUid, rule, by, reason, nowMs, nowMs + threadApprovalMs]);
}

export function threadsTable(driver: SqlDriver): Pick<ApprovalStore, "threadApprovals" | "revoke"> {
  return {
    threadApprovals: async (namespace, nowMs) => (await driver.query(
      `select ${APPROVAL_COLUMNS} from thread_approvals where ${HOLDS} and ($2::text is null or namespace = $2) order by allowed_at_ms, id limit ${LIST_LIMIT}`,
      [nowMs, namespace])).map(approvalRow),
    revoke: async (id, by, reason, nowMs) => driver.transaction(async (statements) => {
      const revoked = await statements.query(
        "update thread_approvals set revoked_at_ms = $2, revoked_by = $3, revoke_reason = $4 where id = $1 and revoked_at_ms is null and expires_at_ms > $2 returning id", [id, nowMs, by, reason]);
      if (revoked.length > 0) await tellAll(statements);
      return revoked.length > 0;
    }),
  };
}
