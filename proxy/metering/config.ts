import * as z from "zod";

/** How the use of language models is counted. */
export const meteringConfig = z.strictObject({
  bodyLimitBytes: z.number().int().min(1_024).max(256 * 1024 * 1024).default(32 * 1024 * 1024).describe("Largest body of a request to a model, in bytes: it is held back until it is whole, because its cost must be known before it is sent."),
  whenShort: z.enum(["clamp", "refuse"]).default("clamp").describe("What becomes of a request to a model whose worst case is more than what is left of a budget: its output is limited to what is left (`clamp`), or it is refused (`refuse`). Policy may say it for each rule."),
  leastOutputTokens: z.number().int().min(1).max(1_000_000).default(256).describe("Output that must at least be left for a request to be sent with less than it asked for, in tokens."),
  overReport: z.enum(["ceiling", "reported"]).default("ceiling").describe("What is charged where a provider reports more than a request can have used: the most that it can have used (`ceiling`), or what was reported (`reported`). Either way it is an alarm."),
  answerLimitBytes: z.number().int().min(1_024).max(256 * 1024 * 1024).default(32 * 1024 * 1024).describe("Largest answer in one piece whose use is read, in bytes. A larger one passes unread and is charged as an estimate."),
  eventLimitBytes: z.number().int().min(1_024).max(64 * 1024 * 1024).default(8 * 1024 * 1024).describe("Largest event of a streamed answer, in bytes. After a larger one the stream passes unread and is charged as an estimate."),
});
export type MeteringConfig = z.output<typeof meteringConfig>;
