import * as z from "zod";
import { webhookConfig } from "../../common/approvals/webhook-config.ts";

/** How people are asked on behalf of all node proxies. */
export const approvalsConfig = z.strictObject({
  threadApprovalMs: z.int().min(1_000).max(30 * 86_400_000).default(8 * 3_600_000).describe("For so long, in milliseconds, a yes for a thread holds."),
  maxThreadApprovals: z.int().min(1).max(1_000).default(500).describe("Most approvals of threads that hold at a time, in the whole cluster."),
  retentionMs: z.int().min(60_000).max(365 * 86_400_000).default(7 * 86_400_000).describe("For so long, in milliseconds, what is over can still be looked at. The audit keeps it for longer."),
  webhook: webhookConfig({ most: 20, standard: 12 }).optional().describe("Tells another service that somebody waits. It can tell people; it cannot answer."),
});
export type ApprovalsConfig = z.output<typeof approvalsConfig>;
