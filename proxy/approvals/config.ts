import * as z from "zod";
import { webhookConfig } from "../../common/approvals/webhook-config.ts";

/** How people are asked. */
export const approvalsConfig = z.strictObject({
  maxOpen: z.number().int().min(1).max(1_000).default(200).describe("Most questions that are open at a time; what would be one more is refused, and nothing that waits is dropped."),
  maxOpenPerAgent: z.number().int().min(1).max(1_000).default(20).describe("Most questions that one agent has open at a time, over all of its threads."),
  maxOpenPerNamespace: z.number().int().min(1).max(1_000).default(100).describe("Most questions that the agents of one namespace have open at a time, so that one tenant leaves room for the others."),
  maxAskedPerMinute: z.number().int().min(1).max(10_000).default(60).describe("Most new questions of one agent in a minute, whether or not its clients stay for the answers."),
  retryMs: z.number().int().min(0).max(3_600_000).default(600_000)
    .describe("For so long, in milliseconds, an answer that a client did not wait for is kept for its next try of the same request."),
  threadApprovalMs: z.number().int().min(1_000).max(30 * 86_400_000).default(8 * 3_600_000).describe("For so long, in milliseconds, a yes for a thread holds."),
  maxThreadApprovals: z.number().int().min(1).max(1_000).default(500).describe("Most approvals of threads that hold at a time."),
  webhook: webhookConfig({ most: 12, standard: 8 }).optional().describe("Tells another service that somebody waits. It can tell people; it cannot answer."),
});
export type ApprovalsConfig = z.output<typeof approvalsConfig>;
export type WebhookConfig = NonNullable<ApprovalsConfig["webhook"]>;
