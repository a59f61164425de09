import type { z } from "@hono/zod-openapi";
import type { StoredApproval, StoredQuestion } from "../approvals/approval-store.ts";
import type { approvalQuestion, threadApproval } from "./approval-schemas.ts";

export function viewOfQuestion({ view, state, by, scope, reason: why, delivery }: StoredQuestion): z.output<typeof approvalQuestion> {
  const { askedAtMs, expiresAtMs, ...rest } = view;
  return { ...rest, askedAt: isoTime(askedAtMs), expiresAt: isoTime(expiresAtMs), state, by, scope, why, delivery: delivery ?? (isAnswered(state) ? "recorded" : null) };
}

export function viewOfThreadApproval({ id, namespace, agent, thread, rule, by, reason: why, allowedAtMs, expiresAtMs }: StoredApproval): z.output<typeof threadApproval> {
  return { id, namespace, agent, thread, rule, by, why, allowedAt: isoTime(allowedAtMs), expiresAt: isoTime(expiresAtMs) };
}

function isAnswered(state: StoredQuestion["state"]): boolean {
  return state === "allowed" || state === "denied";
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
