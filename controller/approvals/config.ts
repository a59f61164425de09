import * as z from "zod";

/** How people are asked on behalf of all node proxies. */
export const approvalsConfig = z.strictObject({
  threadApprovalMs: z.int().min(1_000).max(30 * 86_400_000).default(8 * 3_600_000).describe("For so long, in milliseconds, a yes for a thread holds."),
  maxThreadApprovals: z.int().min(1).max(1_000).default(500).describe("Most approvals of threads that hold at a time, in the whole cluster."),
  retentionMs: z.int().min(60_000).max(365 * 86_400_000).default(7 * 86_400_000).describe("For so long, in milliseconds, what is over can still be looked at. The audit keeps it for longer."),
  webhook: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).describe("Is told, by POST, of each question and of what became of it; signed as Standard Webhooks ask."),
    secretFile: z.string().min(1).describe("File with the key of the signatures: `whsec_` and base64 of 24 to 64 bytes."),
    timeoutMs: z.int().min(100).max(60_000).default(5_000).describe("For the answer to one attempt, in milliseconds."),
    attempts: z.int().min(1).max(20).default(12).describe("Most attempts for one message; the pauses between them double from one second up to five minutes."),
    link: z.url({ protocol: /^https?$/ }).optional().describe("Where people answer, put into each message as `link`. Without it a message has ids only."),
  }).optional().describe("Tells another service that somebody waits. It can tell people; it cannot answer."),
});
export type ApprovalsConfig = z.output<typeof approvalsConfig>;
