import * as z from "zod";

/** Where threads' messages and relations are kept. */
export const threadsConfig = z.strictObject({
  directory: z.string().min(1).optional().describe("Folder of the embedded database, for one controller. Without it and without `urlFile` everything is kept in memory and lost at the end."),
  urlFile: z.string().min(1).optional().describe("Path of a file with the URL of a PostgreSQL 15 or newer, `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`; for several controllers."),
  maxConnections: z.int().min(1).max(100).default(10).describe("Most connections to PostgreSQL at a time, in connections; one more listens for signals."),
  connectTimeoutMs: z.int().min(100).max(60_000).default(5_000).describe("Time to open a connection, or to wait for a free one, in milliseconds."),
  threadLimitBytes: z.int().min(1 << 20).max(2 ** 40).default(64 << 20).describe("Most that the messages of one thread take, in bytes; more are refused."),
  namespaceLimitBytes: z.int().min(1 << 20).max(2 ** 40).default(512 << 20)
    .describe("Most that the messages of all threads of one namespace take together, in bytes, give or take 1 MiB for each thread; a tenant must not fill the disk of all."),
  statementTimeoutMs: z.int().min(100).max(600_000).default(10_000).describe("Longest time of one statement, in milliseconds; enforced by PostgreSQL itself and, should it not answer, here."),
}).superRefine((section, context) => {
  if (section.directory === undefined || section.urlFile === undefined) return;
  context.addIssue({ code: "custom", message: "directory and urlFile exclude each other; keep one" });
});
export type ThreadsConfig = z.output<typeof threadsConfig>;
