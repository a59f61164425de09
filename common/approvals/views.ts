import * as z from "zod";

/** What a person may answer, and for how long a yes holds. */
export const SCOPES = ["once", "thread"] as const;
export const approvalScope = z.enum(SCOPES);
/** `apr-` and 26 characters of Crockford's base 32. */
export const approvalId = z.string().regex(/^apr-[0-9a-hjkmnp-tv-z]{26}$/);

/** Longest reason that a person may give, in characters. */
export const REASON_LIMIT = 1_000;
/** Most questions and thread approvals in one list. */
export const LIST_LIMIT = 1_000;
/** Lines of details in a question, and characters in each. A request that takes more is not asked about. */
export const DETAIL_LINES = 48;
export const DETAIL_LENGTH = 200;
/** Longest path that is asked about, in characters. */
export const PATH_LENGTH = 2_048;

const text = (most: number) => z.string().max(most);
const timeMs = z.number().int().nonnegative();

/** Whose request it is. */
export const askingAgent = z.strictObject({
  namespace: text(253), name: text(253), thread: text(253), instance: text(253), user: text(253), chain: z.array(text(253)).max(16),
  pod: text(253).nullable(),
});

/** An open question as people see it: enough to decide, and nothing that is secret. */
export const questionView = z.strictObject({
  id: approvalId.describe("Names the question, and the approval that it becomes."),
  askedAtMs: timeMs.describe("Wall clock, milliseconds."),
  expiresAtMs: timeMs.describe("Wall clock, milliseconds: nobody who answered by then is a no."),
  agent: askingAgent,
  question: z.enum(["connection", "exchange"]),
  requestId: text(64).describe("As in the audit; the agent is told it with the answer."),
  host: text(255), port: z.number().int().min(1).max(65_535),
  method: text(64).nullable(), path: text(PATH_LENGTH).nullable().describe("Without its query."),
  details: z.array(text(DETAIL_LENGTH)).max(DETAIL_LINES).describe("What was read of the request, in lines; said by the agent, safe to print."),
  rule: text(200), reason: text(4_000), hint: text(4_000),
  scopes: z.array(approvalScope).min(1).max(2).describe("What may be answered beside no."),
  isWaiting: z.boolean().describe("False once the client has given up; what is answered then holds for its next try."),
});
export type QuestionView = z.output<typeof questionView>;

/** A yes for a thread, for as long as it holds. */
export const threadApprovalView = z.strictObject({
  id: approvalId, namespace: text(253), agent: text(253), thread: text(253), rule: text(200),
  by: text(300).describe("Who allowed it."), reason: text(REASON_LIMIT),
  allowedAtMs: timeMs, expiresAtMs: timeMs.describe("Wall clock, milliseconds: it holds no longer than this."),
});
export type ThreadApprovalView = z.output<typeof threadApprovalView>;

export const approvalList = z.strictObject({ questions: z.array(questionView).max(LIST_LIMIT), threads: z.array(threadApprovalView).max(LIST_LIMIT) });
export type ApprovalList = z.output<typeof approvalList>;
/** The same, read entry by entry: what is not understood is null, and keeps nothing else from being read. */
export const readableApprovalList = z.strictObject({
  questions: z.array(questionView.nullable().catch(null)).max(LIST_LIMIT), threads: z.array(threadApprovalView.nullable().catch(null)).max(LIST_LIMIT),
});
export type ReadableApprovalList = z.output<typeof readableApprovalList>;

/** What a person says to a question. A yes says for how long; a no is for the one request. */
export const approvalDecision = z.discriminatedUnion("decision", [
  z.strictObject({ decision: z.literal("allow"), scope: approvalScope.default("once"), reason: text(REASON_LIMIT).default("") }),
  z.strictObject({ decision: z.literal("deny"), reason: text(REASON_LIMIT).default("") }),
]);
export type ApprovalDecision = z.output<typeof approvalDecision>;

/**
 * What came of a person's answer where the request waits. `went-on`: a yes, and the request goes on. `refused`: it does not, by the no, or because policy, a
 * budget or a credential stops it. `client-left`: nobody waited; the answer is for the next try. `too-late`: the question was over before a yes for the thread came, which
 * holds all the same. `lost`: the proxy has ended without a word of it.
 */
export const answerDelivery = z.enum(["went-on", "refused", "client-left", "too-late", "lost"]);
export type AnswerDelivery = z.output<typeof answerDelivery>;

/** Why a thread approval is taken back. */
export const revocation = z.strictObject({ reason: text(REASON_LIMIT).default("") });

/**
 * What became of an answer. `late`: somebody else, or the time, was first, as `outcome` and `by` say. `unfit`: the scope is not offered.
 * `unknown`: there is no such question here.
 */
export const decisionResult = z.strictObject({
  result: z.enum(["done", "late", "unfit", "unknown"]),
  outcome: z.enum(["allowed", "denied", "expired", "withdrawn"]).nullable(),
  by: text(300).nullable(),
});
export type DecisionResult = z.output<typeof decisionResult>;
export type QuestionOutcome = NonNullable<DecisionResult["outcome"]>;

/** The same, to whoever answered. Without a delivery the answer does not count, or is not known to have come to the request yet. */
export const answerResult = decisionResult.extend({ delivery: answerDelivery.nullable().default(null) });
export type AnswerResult = z.output<typeof answerResult>;
