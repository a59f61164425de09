import * as z from "zod";

const WINDOWS = ["minute", "hour", "day", "total", "thread"] as const;
export type Window = (typeof WINDOWS)[number];

const METERS = ["requests", "bytes"] as const;
/** What a budget counts: requests that were sent, or bytes of bodies in both directions (all bytes of a tunnel). */
export type MeterName = (typeof METERS)[number];

const limit = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const window = z.enum(WINDOWS).describe("When the count begins anew: each `minute`, `hour` or `day` of UTC; never (`total`); or never, with a count for each `thread`.");

const namedBudget = z.strictObject({
  meter: z.enum(METERS).describe("What is counted: `requests` or `bytes`."),
  limit: limit.describe("Most that may be used in one window, in requests or bytes."),
  window: window.default("day"),
});

/** One budget that the boundary names, checked by itself: what is wrong with one says nothing of the others. */
export const boundaryBudget = namedBudget;

const budgetId = z.string().regex(/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/, "must be a short name in lower case")
  .refine((id) => !id.startsWith("agent."), "names with `agent.` are Weir's own");

export const budgetConfig = z.strictObject({
  perAgent: z.strictObject({
    requests: limit.optional().describe("Most requests that may be sent in one window, in requests."),
    bytes: limit.optional().describe("Most bytes of request and answer bodies together in one window, in bytes."),
    window: window.default("thread"),
  }).prefault({}).describe("Limits that every agent has for itself, whatever policy says; none by default."),
  named: z.record(budgetId, namedBudget).default({}).describe("Budgets that policy charges a request to by name, shared by all agents that are charged to them (with window `thread`: by one thread)."),
  maxAccounts: z.number().int().min(1).max(10_000_000).default(100_000).describe("Most counts kept at a time, one for each budget and agent or thread. At the limit, new agents and threads are refused."),
});
export type BudgetConfig = z.output<typeof budgetConfig>;
