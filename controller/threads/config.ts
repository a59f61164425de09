import * as z from "zod";

/** Where threads' messages and relations are kept. */
export const threadsConfig = z.strictObject({
  directory: z.string().min(1).optional().describe("Folder of the embedded database, for one controller. Without it and without `urlFile` everything is kept in memory and lost at the end."),
  urlFile: z.string().min(1).optional().describe("Path of a file with the URL of a PostgreSQL 15 or newer, `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`; for several controllers."),
  maxConnections: z.int().min(1).max(100).default(10).describe("Most connections to PostgreSQL at a time, in connections; one more listens for signals."),
  connectTimeoutMs: z.int().min(100).max(60_000).default(5_000).describe("Time to open a connection, or to wait for a free one, in milliseconds."),
  statementTimeoutMs: z.int().min(100).max(600_000).default(10_000).describe("Longest time of one statement, in milliseconds; enforced by PostgreSQL itself and, should it not answer, here."),
}).superRefine((section, context) => {
  if (section.directory === undefined || section.urlFile === undefined) return;
  context.addIssue({ code: "custom", message: "directory and urlFile exclude each other; keep one" });
});
export type ThreadsConfig = z.output<typeof threadsConfig>;
