import { newMessageId } from "../../common/approvals/standard-webhook.ts";
import { webhookBody, type WebhookEvent } from "../../common/approvals/webhook-message.ts";
import type { QuestionView } from "../../common/approvals/views.ts";
import type { SqlDriver, Statements } from "../../common/sql/sql-driver.ts";
import type { ApprovalStore } from "./approval-store.ts";
import { messageRow } from "./rows.ts";

/** Puts a message beside what it tells of, in the same transaction: there is none without the other. */
export type Post = (statements: Statements, type: WebhookEvent, question: QuestionView, nowMs: number) => Promise<void>;

/** @param isWanted false where there is no other service to tell */
export function outbox(isWanted: boolean, link: string | undefined): Post {
  return async (statements, type, question, nowMs) => {
    if (!isWanted) return;
    await statements.query("insert into approval_messages (id, body, next_at_ms) values ($1, $2, $3)", [newMessageId(), webhookBody(type, question, { nowMs, link }), nowMs]);
  };
}

export function messagesTable(driver: SqlDriver): Pick<ApprovalStore, "due" | "dropMessage" | "retryMessage"> {
  return {
    due: async (nowMs, limit) => (await driver.query("select id, body, failed from approval_messages where next_at_ms <= $1 order by next_at_ms, id limit $2", [nowMs, limit])).map(messageRow),
    dropMessage: async (id) => { await driver.query("delete from approval_messages where id = $1", [id]); },
    retryMessage: async (id, atMs) => { await driver.query("update approval_messages set failed = failed + 1, next_at_ms = $2 where id = $1 and next_at_ms < $2", [id, atMs]); },
  };
}
