import * as z from "zod";

const positive = z.number().int().positive();

export const reconcileConfig = z.strictObject({
  workers: z.number().int().min(1).max(64).default(8).describe("Threads that are reconciled at the same time; never one thread twice."),
  pollIntervalMs: positive.default(30_000).describe("How often unread messages are asked for without a signal, in milliseconds: what a lost signal costs at most."),
  resyncIntervalMs: positive.default(600_000).describe("Within this time every thread is looked at once without any cause, and messages of threads that are gone are removed, in milliseconds."),
  statusIntervalMs: positive.default(5_000).describe("Least time between two writes of a status of which only the last activity changed, in milliseconds."),
  minStartIntervalMs: positive.default(1_000).describe("Least time between two pods of one thread, in milliseconds, whatever ended the first."),
  retryBaseMs: positive.default(250).describe("Wait after the first error of the API server or the store, for one thread, in milliseconds; it doubles with each further one."),
  retryMaxMs: positive.default(60_000).describe("Longest such wait, in milliseconds."),
  startBackoffMs: z.array(positive).min(1).max(16).default([10_000, 30_000, 60_000, 300_000, 900_000])
    .describe("Waits after the first, second, ... failed start of an instance in a row, in milliseconds; the last one stays."),
  startAttempts: z.number().int().min(1).max(1_000).default(10).describe("Failed starts in a row after which a thread is paused."),
});
export type ReconcileConfig = z.output<typeof reconcileConfig>;
