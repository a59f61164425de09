import * as z from "zod";
import { httpsSinkConfig } from "./sinks/https.ts";
import { syslogSinkConfig } from "./sinks/syslog.ts";

const durationMs = (defaultMs: number, text: string) => z.number().int().positive().max(86_400_000).default(defaultMs).describe(text);

export const auditConfig = z.strictObject({
  directory: z.string().optional()
    .describe("Folder of the chain (mode 0700): segments, checkpoints, signing key, cursors. Default `audit` under the state directory. One writer at a time."),
  segmentBytes: z.number().int().min(4_096).max(2 ** 31).default(64 * 2 ** 20).describe("Size at which a new segment file is begun, in bytes."),
  segmentMaxAgeMs: durationMs(86_400_000, "Age at which a new segment file is begun, in milliseconds."),
  retainDays: z.number().int().min(0).max(36_500).default(0)
    .describe("Closed segments older than this are deleted once every sink has taken them, in days. 0 keeps everything."),
  commitIntervalMs: z.number().int().min(0).max(1_000).default(2)
    .describe("Shortest time between two syncs to disk under load, in milliseconds: requests that arrive within it share one sync. An idle log syncs at once."),
  commitDeadlineMs: durationMs(5_000, "A request whose record is not on disk after this time is refused with `audit.unavailable`, in milliseconds."),
  queueLimitBytes: z.number().int().min(65_536).max(2 ** 30).default(16 * 2 ** 20).describe("Records waiting for the disk, in bytes; above it requests are refused."),
  checkpointIntervalMs: durationMs(10_000, "Longest time between a record and a signed checkpoint that covers it, in milliseconds."),
  checkpointRecords: z.number().int().positive().default(4_096).describe("A checkpoint is signed at the latest after this many records."),
  unsignedLimitMs: durationMs(300_000, "Longest time that records are written while no checkpoint can be signed, in milliseconds; then requests are refused with `audit.unavailable` until one is."),
  transit: z.strictObject({
    mount: z.string().max(256).regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, "not a mount path").default("transit").describe("Where the transit engine is mounted."),
    key: z.string().max(256).regex(/^[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*$/, "not the name of a key").describe("Name of the key, of type ed25519."),
  }).optional().describe("Has checkpoints signed by a key of the transit engine of `credentials.vault`, which never leaves there, instead of `signing.key` in the folder; see docs/vault.md."),
  witnessDirectory: z.string().optional()
    .describe("A second place for checkpoints, best on another trust domain (a mounted bucket with object lock): it proves that the chain was not cut or replaced."),
  sinkDrainMs: z.number().int().min(0).max(600_000).default(3_000).describe("Time for sinks to catch up when the proxy stops, in milliseconds; the rest is sent after the next start."),
  policyInput: z.enum(["full", "keys", "none"]).default("keys")
    .describe("How much of what policy was asked is recorded with each decision, for `weir explain`, `weir policy replay` and `suggest`. `keys`: destination, path, agent, what protocols say (tool, model, repository), and of MCP arguments and JSON bodies the names alone. `full`: their values too, texts up to 256 characters. `none`: nothing. Values of query parameters, and of headers that are not known to be harmless, are never recorded."),
  sinks: z.array(z.discriminatedUnion("type", [syslogSinkConfig, httpsSinkConfig])).max(8).default([])
    .refine((sinks) => new Set(sinks.map((sink) => sink.name)).size === sinks.length, "two sinks have the same name")
    .describe("Where records are sent on to. Each sink reads from the segment files with a cursor of its own; a slow one never delays a request."),
});
export type AuditConfig = z.output<typeof auditConfig>;
