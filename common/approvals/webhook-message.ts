import type { QuestionView } from "./views.ts";

/** Of a message to another service. */
export type WebhookEvent = "approval.asked" | "approval.allowed" | "approval.denied" | "approval.expired" | "approval.withdrawn";

/**
 * The body of a message, JSON (Standard Webhooks, "Payload structure"): ids, names and times alone. What the agent wrote, and what people said, is for
 * those who may read it where they answer.
 */
export function webhookBody(type: WebhookEvent, { id, requestId, question, agent, rule, expiresAtMs }: QuestionView, at: { readonly nowMs: number; readonly link: string | undefined }): string {
  const { namespace, name, thread } = agent;
  const data = { id, requestId, question, namespace, agent: name, thread, rule, expiresAt: new Date(expiresAtMs).toISOString(), ...(at.link === undefined ? {} : { link: at.link }) };
  return JSON.stringify({ type, timestamp: new Date(at.nowMs).toISOString(), data });
}
