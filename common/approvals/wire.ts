import * as z from "zod";
import { answerDelivery, approvalDecision, approvalId, LIST_LIMIT, questionView, REASON_LIMIT, threadApprovalView } from "./views.ts";

/** Where the controller hears of questions, and where node proxies learn what people said. */
export const APPROVALS_PATHS = { report: "/internal/v1/approvals/report", poll: "/internal/v1/approvals/poll" } as const;

/** Questions in one report: each is some kilobytes. */
export const REPORT_LIMIT = 50;
/** A whole report, or a whole answer to a poll, in bytes. */
export const WIRE_LIMIT_BYTES = 2 << 20;
/** Longest wait of one poll, in milliseconds. */
export const LONGEST_POLL_MS = 20_000;

/** A process of a node proxy, and when it began by its own clock, in milliseconds: what an earlier one asked, nobody waits for. */
const from = { proxy: z.string().min(1).max(64).regex(/^[\w-]+$/), startedAtMs: z.int().nonnegative() };

/** A question that is over at its node. What came of a person's answer may follow in a later report. */
const questionOver = z.strictObject({ id: approvalId, outcome: z.enum(["allowed", "denied", "expired", "withdrawn"]), delivery: answerDelivery.nullable().default(null) });
export type QuestionOver = z.output<typeof questionOver>;

/** What a node proxy says: what is asked or has changed, and what is over. A question that cannot be understood is null, and keeps no other back. */
export const approvalReport = z.strictObject({
  ...from,
  /** The proxy's clock, to which its times belong. */
  sentAtMs: z.int().nonnegative(),
  asked: z.array(questionView.nullable().catch(null)).max(REPORT_LIMIT),
  over: z.array(questionOver).max(LIST_LIMIT),
});
export type ApprovalReport = z.output<typeof approvalReport>;

/** Of the questions in a report, those that people can answer, or have answered. The others are over, not understood, or about nobody whom the proxy may speak for. */
export const reportReply = z.strictObject({ kept: z.array(approvalId).max(REPORT_LIMIT) });

/** @property version what the proxy knows already; an answer with another comes at once */
export const approvalPoll = z.strictObject({ ...from, version: z.string().max(64), waitMs: z.int().min(0).max(LONGEST_POLL_MS) });

const said = z.strictObject({ by: z.string().max(300), reason: z.string().max(REASON_LIMIT) });
export const pollReply = z.strictObject({
  version: z.string().max(64),
  decisions: z.array(z.strictObject({ id: approvalId, by: z.string().max(300), decision: approvalDecision })).max(LIST_LIMIT),
  /** All that hold, of the whole cluster: a thread moves from node to node. */
  threads: z.array(threadApprovalView).max(LIST_LIMIT),
  /** Lately, by id. */
  revoked: z.record(approvalId, said),
});
export type PollReply = z.output<typeof pollReply>;
