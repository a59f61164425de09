import * as z from "zod";

/** What one exchange may take once its head is read. */
export const exchangeConfig = z.strictObject({
  idleTimeoutMs: z.number().int().min(100).max(3_600_000).default(300_000).describe("Time that an exchange may go without a byte in either direction, in milliseconds."),
  bodyIdleTimeoutMs: z.number().int().min(100).max(3_600_000).default(30_000).describe("Time that the agent may pause while it sends a request body, in milliseconds."),
  heldBodyTimeoutMs: z.number().int().min(100).max(3_600_000).default(120_000).describe("Time that a request body may take which has to be whole before it is sent (a policy that reads it, a count, a signature, a placeholder), in milliseconds."),
  heldBytes: z.number().int().min(1_024).max(64 * 1024 ** 3).default(256 * 1024 * 1024).describe("Bytes of such bodies and WebSocket messages that are held back at any moment, all agents together; one instance may take a quarter of it, and one agent half."),
  webSocketIdleTimeoutMs: z.number().int().min(100).max(86_400_000).default(600_000).describe("Time that a WebSocket may go without a byte in either direction, in milliseconds."),
  webSocketCloseMs: z.number().int().min(10).max(10_000).default(800).describe("Time to end a WebSocket in order (1008) when its permission ends, in milliseconds; then it is cut."),
  maxInformationalAnswers: z.number().int().min(0).max(100).default(16).describe("Most 1xx answers of a destination before its final one."),
  encodedSlash: z.enum(["refuse", "keep"]).default("refuse").describe("`%2F` in a path: `refuse` it, as servers read it differently, or `keep` it inside one segment (npm scopes, GitLab projects)."),
});
export type ExchangeConfig = z.output<typeof exchangeConfig>;
