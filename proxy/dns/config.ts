import * as z from "zod";

export const dnsConfig = z.strictObject({
  queriesPerSecond: z.number().int().min(1).max(100_000).default(100).describe("DNS queries that one agent instance may ask for long, per second."),
  queryBurst: z.number().int().min(1).max(100_000).default(500).describe("DNS queries that one agent instance may ask at once."),
  ttlSeconds: z.number().int().min(1).max(60).default(10).describe("How long an agent may keep an answer, in seconds."),
  idleTimeoutMs: z.number().int().min(100).max(600_000).default(30_000).describe("How long a silent DNS connection is kept, in milliseconds."),
});
export type DnsConfig = z.output<typeof dnsConfig>;
