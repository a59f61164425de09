import * as z from "zod";

/** The controller's HTTP API, for people, webhooks, instances and node proxies. */
export const apiConfig = z.strictObject({
  host: z.string().min(1).default("::").describe("Address to listen on; `::` is every address of both families."),
  port: z.int().min(0).max(65_535).default(8_443).describe("TCP port; 0 takes any."),
  bodyLimitBytes: z.int().min(1_024).max(16 << 20).default(2 << 20).describe("Largest body of a request, in bytes. A message itself has at most 256 KiB, which JSON can write longer."),
  requestTimeoutMs: z.int().min(100).max(120_000).default(15_000).describe("Time for a request to arrive, and again for it to be answered, in milliseconds."),
  maxConnections: z.int().min(1).max(100_000).default(10_000).describe("Most open connections; more are closed at once."),
  callsPerSecond: z.number().positive().max(100_000).default(50).describe("Calls that one caller may make in the long run, in calls a second."),
  callBurst: z.int().min(1).max(100_000).default(200).describe("Calls that one caller may make at once after a pause, in calls."),
  nodeCallsPerSecond: z.number().positive().max(100_000).default(500).describe("Calls that one node proxy may make for itself in the long run, to the ledger of budgets above all, in calls a second."),
  refusalsPerMinute: z.int().min(1).max(100_000).default(120).describe("Requests without a valid token that are answered for one address, in requests a minute; more are turned away unread."),
  longPollMs: z.int().min(0).max(300_000).default(60_000).describe("Longest time for which an instance may wait for messages in one request, in milliseconds."),
  heartbeatMs: z.int().min(100).max(60_000).default(15_000).describe("Time after which a silent event stream gets a comment, in milliseconds."),
  streamMs: z.int().min(1_000).max(86_400_000).default(600_000).describe("Time after which an event stream ends, in milliseconds; clients resume with `Last-Event-ID`, and prove again who they are."),
  waitingPerCaller: z.int().min(1).max(10_000).default(16).describe("Most event streams and waiting requests of one caller at a time."),
  waiting: z.int().min(1).max(100_000).default(5_000).describe("Most event streams and waiting requests of all callers together."),
  pollIntervalMs: z.int().min(100).max(60_000).default(5_000).describe("How often those who wait look again although no signal came, in milliseconds: a lost signal costs no more than this."),
});
export type ApiConfig = z.output<typeof apiConfig>;
