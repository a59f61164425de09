import * as z from "zod";

const ms = (least: number, most: number) => z.int().min(least).max(most);

/** Where budgets are counted, for how long a request waits for it, and how long what it lends lasts. */
export const ledgerConfig = z.strictObject({
  type: z.enum(["memory", "embedded", "postgres", "controller"]).optional()
    .describe("Where counts are kept: `embedded`, a database in the state directory, which all proxies of this machine share; `postgres`, a PostgreSQL that proxies of several machines share; `controller`, the ledger that a cluster's controller keeps; `memory`, in this process and until it ends. Default `embedded`, in a cluster `controller`."),
  urlFile: z.string().min(1).optional().describe("With `type: postgres`: path of a file with the URL of a PostgreSQL 15 or newer, `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full`."),
  maxConnections: z.int().min(1).max(100).default(4).describe("With `type: postgres`: most connections of this proxy at a time, in connections."),
  connectTimeoutMs: ms(100, 60_000).default(2_000).describe("With `type: postgres`: time to open a connection, or to wait for a free one, in milliseconds."),
  statementTimeoutMs: ms(100, 60_000).default(2_000).describe("With `type: postgres`: longest time of one statement, in milliseconds."),
  waitMs: ms(50, 60_000).default(2_000).describe("Longest time that a request waits for the ledger when what was lent does not do, in milliseconds; then it is as if the ledger were lost."),
  reportIntervalMs: ms(50, 10_000).default(500).describe("How often this proxy says what it has used and gives back what others wait for, in milliseconds."),
  idleMs: ms(100, 600_000).default(5_000).describe("What was lent and not used for so long is given back, in milliseconds."),
  leaseMs: ms(1_000, 600_000).default(30_000).describe("After so long without a word of a proxy, what it was lent counts as spent until it comes back, in milliseconds; the same for all proxies that share a ledger."),
}).superRefine(({ type, urlFile }, context) => {
  if (type === "postgres" && urlFile === undefined) context.addIssue({ code: "custom", path: ["urlFile"], message: "is needed with type postgres" });
  if (type !== "postgres" && urlFile !== undefined) context.addIssue({ code: "custom", path: ["urlFile"], message: "is for type postgres alone" });
});
export type LedgerConfig = z.output<typeof ledgerConfig>;
