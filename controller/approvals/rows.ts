import { answerDelivery, questionView } from "../../common/approvals/views.ts";
import type { Row } from "../../common/sql/sql-driver.ts";
import type { DueMessage, StoredApproval, StoredQuestion } from "./approval-store.ts";

/** What the drivers hand out, made into the store's types. One driver gives 64-bit numbers as text, the other as numbers. */
export const QUESTION_COLUMNS = "id, thread_uid, view, state, scope, decided_by, reason, delivery";
/** What holds at `$1`: not revoked, not over, and its thread still there. Another of the same name is another thread. */
export const HOLDS = `revoked_at_ms is null and expires_at_ms > $1
  and (thread_uid is null or exists (select 1 from threads t where t.uid = thread_approvals.thread_uid and t.archived_at_ms is null))`;
export const APPROVAL_COLUMNS = "id, namespace, agent, thread, thread_uid, rule, allowed_by, reason, allowed_at_ms, expires_at_ms";

/** @throws Error for a view that this version does not understand: nobody can decide what they cannot read */
export function questionRow(row: Row): StoredQuestion {
  return {
    view: questionView.parse(row["view"]), threadUid: textOrNull(row["thread_uid"]), state: row["state"] as StoredQuestion["state"],
    by: textOrNull(row["decided_by"]), reason: String(row["reason"]), scope: row["scope"] === "once" || row["scope"] === "thread" ? row["scope"] : null,
    delivery: answerDelivery.nullable().parse(row["delivery"] ?? null),
  };
}

/** For lists: one that is not understood keeps no other out of it. */
export function readableQuestion(row: Row): readonly StoredQuestion[] {
  return questionView.safeParse(row["view"]).success ? [questionRow(row)] : [];
}

export function approvalRow(row: Row): StoredApproval {
  const text = (name: string) => String(row[name]);
  return {
    id: text("id"), namespace: text("namespace"), agent: text("agent"), thread: text("thread"), rule: text("rule"), by: text("allowed_by"), reason: text("reason"),
    allowedAtMs: Number(row["allowed_at_ms"]), expiresAtMs: Number(row["expires_at_ms"]), threadUid: textOrNull(row["thread_uid"]),
  };
}

export function messageRow(row: Row): DueMessage {
  return { id: String(row["id"]), body: String(row["body"]), failed: Number(row["failed"]) };
}

export function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
