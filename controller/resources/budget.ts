import * as z from "zod";
import { acceptedStatus } from "./credential-grant.ts";
import { objectMeta } from "./meta.ts";

/** A cap. Counted by each node proxy for itself until the cluster-wide ledger. */
export const budgetSpec = z.strictObject({
  meter: z.enum(["requests", "bytes"]).describe("What is counted."),
  limit: z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe("Most that may be used in one window."),
  window: z.enum(["minute", "hour", "day", "total", "thread"]).default("day").describe("When the count begins anew: each `minute`, `hour` or `day` of UTC; never (`total`); or never, with a count for each `thread`."),
}).describe("A cap.");
export type BudgetSpec = z.output<typeof budgetSpec>;

export const budget = z.looseObject({ metadata: objectMeta, spec: budgetSpec, status: acceptedStatus.partial().optional() });
export type Budget = z.output<typeof budget>;
