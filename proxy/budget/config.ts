import * as z from "zod";
import { SCOPES } from "../../common/ledger/account-key.ts";
import { WINDOWS } from "../../common/ledger/account.ts";
import { AMOUNT_LIMIT, METERS, parseAmount, type MeterName } from "../../common/meters.ts";
import { ledgerConfig } from "./ledger-config.ts";
import { parentProblems } from "./parents.ts";

export type { Window } from "../../common/ledger/account.ts";
export type { Scope } from "../../common/ledger/account-key.ts";
export type { MeterName } from "../../common/meters.ts";

/** A number as people write it: a JSON number, or digits in a text; decimals only where the meter is `usd`. */
const written = z.union([z.number().min(0).max(Number.MAX_SAFE_INTEGER), z.string().regex(/^\d{1,19}(\.\d{1,9})?$/, "must be digits, for usd with at most nine decimals")]);

const window = z.enum(WINDOWS).describe("When the count begins anew: each calendar `minute`, `hour`, `day`, `week` (from Monday) or `month`; never (`total`); or never, with a count for each `thread`.");

const timezone = z.string().max(64).refine(isTimezone, "is no IANA time zone, such as `Europe/Berlin`").default("UTC").describe("Time zone of the calendar that windows follow, an IANA name.");

const threshold = z.strictObject({
  percent: z.number().int().min(1).max(100).describe("Share of the limit, in per cent."),
  action: z.enum(["notify", "ask"]).default("notify").describe("`notify`: an event, a metric and a line in the log. `ask`: besides, nothing more is spent until a person has said `weir budget approve`."),
});
const thresholds = z.array(threshold).max(10).default([{ percent: 50, action: "notify" }, { percent: 80, action: "notify" }, { percent: 100, action: "notify" }])
  .describe("Shares of the limit at which somebody is told.");

const budgetId = z.string().regex(/^[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?$/, "must be a short name in lower case");
const ownId = budgetId.refine((id) => !id.startsWith("agent.") && !id.startsWith("thread."), "names with `agent.` and `thread.` are Weir's own");

const selector = z.strictObject({
  namespaces: z.array(z.string().max(253)).max(256).optional().describe("Namespaces of agents."),
  agents: z.array(z.string().max(253)).max(256).optional().describe("Names of agents, any namespace, or `namespace/name`."),
  users: z.array(z.string().max(253)).max(256).optional().describe("Users on whose behalf agents work."),
});

const namedBudget = z.strictObject({
  meter: z.enum(METERS).describe("What is counted: `requests`, `bytes` (`bytes-out`, `bytes-in`), `connections`, `seconds` that exchanges are open, `tokens` of models (`input-tokens`, `cached-input-tokens`, `output-tokens`, `reasoning-tokens`), or `usd`."),
  limit: written.describe("Most that may be used in one window, in units of the meter; for `usd` dollars, to the nano-dollar: `25`, `\"0.5\"`."),
  window: window.default("day"),
  timezone,
  per: z.enum(SCOPES).default("all").describe("Who shares the count: `all` who are charged to it, or each `namespace`, `user`, `agent` or `thread` by itself."),
  parent: budgetId.optional().describe("Budget of the same meter that is charged too: what this one spends, its parent spends, and neither exceeds its limit."),
  applies: z.enum(["charged", "always"]).default("charged").describe("`charged`: where policy or an Agent names it. `always`: to everybody whom `to` selects, whatever policy says."),
  to: selector.default({}).describe("With `applies: always`: whom it applies to; everybody where nothing is said. All that is said must fit."),
  thresholds,
  whenLedgerIsLost: z.enum(["deny", "allow"]).default("deny").describe("When the ledger cannot be asked and what was lent of it is used up: `deny` (a cap that holds), or `allow` (an outage stops nobody, and may overspend; each such request is marked)."),
}).superRefine(({ meter, limit }, context) => {
  if (parseAmount(meter, String(limit)) !== null) return;
  context.addIssue({ code: "custom", path: ["limit"], message: meter === "usd" ? "must be dollars with at most nine decimals" : "must be a whole number" });
});
export type NamedBudget = z.output<typeof namedBudget>;

/** One budget that the boundary names, checked by itself: what is wrong with one says nothing of the others. */
export const boundaryBudget = namedBudget;

const wholeLimit = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const budgetConfig = z.strictObject({
  perAgent: z.strictObject({
    requests: wholeLimit.optional().describe("Most requests that may be sent in one window, in requests."),
    bytes: wholeLimit.optional().describe("Most bytes of request and answer bodies together in one window, in bytes."),
    tokens: wholeLimit.optional().describe("Most tokens of models in one window, input and output together."),
    usd: written.optional().describe("Most money for models in one window, in dollars."),
    window: window.default("thread"),
  }).prefault({}).describe("Limits that every agent has for itself, whatever policy says; none by default."),
  named: z.record(ownId, namedBudget).default({}).describe("Budgets by name: those that policy charges a request to, and those that apply always."),
  maxAccounts: z.number().int().min(1).max(10_000_000).default(100_000).describe("Most counts kept at a time, one for each budget and those who share it. At the limit, new agents and threads are refused."),
  ledger: ledgerConfig.prefault({}).describe("Where budgets are counted."),
}).superRefine(({ named }, context) => {
  for (const [id, message] of parentProblems(new Map(Object.entries(named)))) context.addIssue({ code: "custom", path: ["named", id, "parent"], message });
});
export type BudgetConfig = z.output<typeof budgetConfig>;

/** The limit in units of the store. @param limit checked by the schema */
export function amountOf(meter: MeterName, limit: number | string): bigint {
  return parseAmount(meter, String(limit)) ?? AMOUNT_LIMIT;
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
