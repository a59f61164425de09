import { hash } from "node:crypto";
import { LIST_LIMIT } from "../../common/approvals/views.ts";
import type { PollReply } from "../../common/approvals/wire.ts";
import type { Row, SqlDriver } from "../../common/sql/sql-driver.ts";
import type { ApprovalStore } from "./approval-store.ts";
import { APPROVAL_COLUMNS, approvalRow, HOLDS } from "./rows.ts";

/** Of what was revoked lately, nodes learn who did it and why; later ones only that it is gone. */
const REVOKED_MS = 3_600_000;

/** What one node proxy has still to hear: answers to its questions, and all approvals of threads that hold. The version is that of the content, so that no state is kept for it. */
export function nodeNews(driver: SqlDriver): Pick<ApprovalStore, "news"> {
  return {
    news: async ({ node, proxy }, nowMs) => {
      const decided = await driver.query(
        `select id, state, scope, decided_by, reason from approval_questions
          where node = $1 and proxy = $2 and not is_heard and state in ('allowed', 'denied') order by ended_at_ms, id limit ${LIST_LIMIT}`, [node, proxy]);
      const held = await driver.query(`select ${APPROVAL_COLUMNS} from thread_approvals where ${HOLDS} order by id limit ${LIST_LIMIT}`, [nowMs]);
      const revoked = await driver.query(`select id, revoked_by, revoke_reason from thread_approvals where revoked_at_ms > $1 order by id limit ${LIST_LIMIT}`, [nowMs - REVOKED_MS]);
      const news = {
        decisions: decided.map(decisionRow), threads: held.map((row) => withoutUid(approvalRow(row))),
        revoked: Object.fromEntries(revoked.map((row) => [String(row["id"]), { by: String(row["revoked_by"]), reason: String(row["revoke_reason"]) }])),
      };
      return { version: hash("sha256", JSON.stringify(news), "hex"), ...news };
    },
  };
}

function decisionRow(row: Row): PollReply["decisions"][number] {
  const reason = String(row["reason"]);
  const decision = row["state"] === "allowed" ? { decision: "allow" as const, scope: row["scope"] === "thread" ? "thread" as const : "once" as const, reason } : { decision: "deny" as const, reason };
  return { id: String(row["id"]), by: String(row["decided_by"]), decision };
}

function withoutUid({ threadUid: _, ...approval }: ReturnType<typeof approvalRow>): PollReply["threads"][number] {
  return approval;
}
