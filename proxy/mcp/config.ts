import * as z from "zod";

/** How the Model Context Protocol is governed, where a policy asks for it. */
export const mcpConfig = z.strictObject({
  deniedCalls: z.enum(["result", "error"]).default("result")
    .describe("How the refusal of a tools/call reads: a `result` with isError, which the model reads and can act on, or a JSON-RPC `error`, which most clients show to their user."),
  answerBytes: z.number().int().min(1_024).max(64 << 20).default(16 << 20)
    .describe("Largest JSON answer of a server, decoded, that is held back to be filtered, in bytes; a larger one is an error. It counts against `exchange.heldBytes`."),
  eventBytes: z.number().int().min(1_024).max(64 << 20).default(16 << 20)
    .describe("Largest event of a stream that is held back to be filtered, in bytes; a larger one is an error. It counts against `exchange.heldBytes`."),
  listEntries: z.number().int().min(1).max(100_000).default(1_000)
    .describe("Most entries in one list of tools, prompts or resources: policy is asked about each. A longer list is an error."),
});
export type McpConfig = z.output<typeof mcpConfig>;
