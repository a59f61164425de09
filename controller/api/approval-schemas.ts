import { z } from "@hono/zod-openapi";
import { answerDelivery, DETAIL_LENGTH, DETAIL_LINES, REASON_LIMIT, SCOPES } from "../../common/approvals/views.ts";

const label = z.string().min(1).max(63).regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, "must be a DNS label");
const id = z.string().regex(/^apr-[0-9a-hjkmnp-tv-z]{26}$/, "must be the id of an approval");
const scope = z.enum(SCOPES);
const time = z.iso.datetime();
const why = z.string().max(REASON_LIMIT).default("").openapi({ description: "For the record." });

const DELIVERY = "What came of the answer, null where there is none: `recorded` until its node has said so, `lost` where its proxy ended first; the others are in docs/approvals.md.";

/** A question that waits, or waited, for a person. */
export const approvalQuestion = z.strictObject({
  id, askedAt: time, expiresAt: time.openapi({ description: "Nobody who answered by then is a no." }),
  agent: z.strictObject({
    namespace: z.string(), name: z.string(), thread: z.string(), instance: z.string(), user: z.string(), chain: z.array(z.string()), pod: z.string().nullable(),
  }),
  question: z.enum(["connection", "exchange"]), requestId: z.string().openapi({ description: "As in the audit." }),
  host: z.string(), port: z.int(), method: z.string().nullable(), path: z.string().nullable().openapi({ description: "Without its query." }),
  details: z.array(z.string().max(DETAIL_LENGTH)).max(DETAIL_LINES).openapi({ description: "What was read of the request, in lines; said by the agent, safe to print." }),
  rule: z.string(), reason: z.string(), hint: z.string(),
  scopes: z.array(scope).openapi({ description: "What may be answered beside no." }),
  isWaiting: z.boolean().openapi({ description: "False once the client has given up; the answer holds for its next try." }),
  state: z.enum(["open", "allowed", "denied", "expired", "withdrawn"]),
  by: z.string().nullable().openapi({ description: "Who answered." }), scope: scope.nullable(), why: z.string(),
  delivery: z.enum(["recorded", ...answerDelivery.options]).nullable().openapi({ description: DELIVERY }),
}).openapi("ApprovalQuestion");

export const threadApproval = z.strictObject({
  id, namespace: z.string(), agent: z.string(), thread: z.string(), rule: z.string(), by: z.string(), why: z.string(), allowedAt: time, expiresAt: time,
}).openapi("ThreadApproval");

export const approvalsList = z.strictObject({ questions: z.array(approvalQuestion), threads: z.array(threadApproval) }).openapi("ApprovalList");
export const approvalsQuery = z.strictObject({ namespace: label.optional().openapi({ description: "Only of this namespace." }) });
export const ofApproval = z.strictObject({ approval: id });
/** Longest wait for what came of an answer, in milliseconds. */
const LONGEST_WAIT_MS = 20_000;
export const approvalWait = z.strictObject({
  waitMs: z.coerce.number().int().min(0).max(LONGEST_WAIT_MS).default(0).openapi({ description: "For so long at most the answer waits for a `delivery` that is `recorded` to become another." }),
});

export const approvalWish = z.strictObject({
  decision: z.enum(["allow", "deny"]),
  scope: scope.optional().openapi({ description: "With `allow`: for the one request, which is the default, or for all of its thread that the same rule asks about." }),
  why,
}).superRefine(({ decision, scope: given }, context) => {
  if (decision === "deny" && given !== undefined) context.addIssue({ code: "custom", path: ["scope"], message: "belongs to `allow`" });
}).openapi("ApprovalDecision");
export const approvalResult = z.strictObject({
  id, outcome: z.enum(["allowed", "denied"]), by: z.string(),
  delivery: z.literal("recorded").openapi({ description: "It is durable and on its way. `GET /v1/approvals/{approval}?waitMs=5000` says whether the request went on." }),
}).openapi("ApprovalResult");
export const revocationWish = z.strictObject({ why }).openapi("ApprovalRevocation");
