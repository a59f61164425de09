import * as z from "zod";
import { WINDOWS } from "../../common/ledger/account.ts";
import { METERS } from "../../common/meters.ts";
import { acceptedStatus } from "./credential-grant.ts";
import { amount, label, objectMeta } from "./meta.ts";
import { LIST_SET, listMap, rules } from "./structural.ts";

const selector = z.strictObject({
  agents: z.array(label).max(64).optional().meta(LIST_SET).describe("Agents of this namespace."),
  users: z.array(z.string().min(1).max(253)).max(64).optional().meta(LIST_SET).describe("Users on whose behalf agents work."),
});

const threshold = z.strictObject({
  percent: z.int().min(1).max(100).describe("Share of the limit, in per cent."),
  action: z.enum(["notify", "ask"]).default("notify").describe("`notify`: an Event, a metric and a line in the log. `ask`: besides, nothing more is spent until a person has approved."),
});

/** A cap of a namespace: what `budgets.named` of the proxies has, without what reaches beyond the namespace. */
export const budgetSpec = z.strictObject({
  meter: z.enum(METERS).describe("What is counted: `requests`, `bytes` (`bytes-out`, `bytes-in`), `connections`, `seconds` that exchanges are open, `tokens` of models (`input-tokens`, `cached-input-tokens`, `output-tokens`, `reasoning-tokens`), or `usd`."),
  limit: amount.describe("Most that may be used in one window, in units of the meter; for `usd` dollars, with decimals as a text: `25`, `\"0.5\"`."),
  window: z.enum(WINDOWS).default("day").describe("When the count begins anew: each calendar `minute`, `hour`, `day`, `week` (from Monday) or `month`; never (`total`); or never, with a count for each `thread`."),
  timezone: z.string().max(64).optional().describe("Time zone of the calendar that windows follow, an IANA name such as `Europe/Berlin`; default UTC."),
  per: z.enum(["all", "namespace", "user", "agent", "thread"]).optional().describe("Who shares the count: `all` who are charged to it (the default), or each `namespace`, `user`, `agent` or `thread` by itself."),
  parent: label.optional().describe("Budget of the same meter that is charged too, of this namespace or of the installation (`boundary.budgets`): what this one spends, its parent spends, and neither exceeds its limit."),
  applies: z.enum(["charged", "always"]).optional().describe("`charged` (the default): where a policy or an Agent names it. `always`: to every agent of this namespace whom `to` selects, whatever they name."),
  to: selector.optional().describe("With `applies: always`: whom of this namespace it applies to; everybody where nothing is said. All that is said must fit."),
  thresholds: z.array(threshold).max(10).optional().meta(listMap("percent")).describe("Shares of the limit at which somebody is told; default 50, 80 and 100 per cent."),
  whenLedgerIsLost: z.enum(["deny", "allow"]).optional().describe("When the ledger cannot be asked and what was lent of it is used up: `deny` (the default; a cap that holds), or `allow` (an outage stops nobody, and may overspend; each such request is marked)."),
}).meta(rules(
  ["type(self.limit) == int ? self.limit >= 0 : (self.meter == 'usd' || !string(self.limit).contains('.'))", "limit must not be negative, and has decimals only where the meter is usd"],
)).describe("A cap.");
export type BudgetSpec = z.output<typeof budgetSpec>;

const digits = z.string().max(32);

/** How one count of a Budget stands; amounts as people write them, `usd` in dollars. */
const count = z.strictObject({
  of: z.string().max(320).describe("Who shares it: `all`, or the namespace, user, agent or thread."),
  limit: digits.describe("What counts now, with what operators changed."),
  spent: digits.describe("Settled in this window."),
  reserved: digits.describe("Held for what is under way, and lent to node proxies."),
  percent: z.int().min(0).describe("Share of the limit that is spent, in per cent, rounded down."),
  windowEnd: z.string().optional().meta({ format: "date-time" }).describe("When the count begins anew."),
  waitsForApproval: z.boolean().optional().describe("True while a threshold waits for a person (`weir budget approve`)."),
});

export const budgetStatus = acceptedStatus.extend({
  ...count.omit({ of: true }).partial().shape,
  counts: z.array(count).max(20).optional().describe("With `per`: the counts that are nearest to their limit. The fields above are then those of the first."),
});
export type BudgetStatus = z.output<typeof budgetStatus>;

export const budget = z.looseObject({ metadata: objectMeta, spec: budgetSpec, status: budgetStatus.partial().optional() });
export type Budget = z.output<typeof budget>;
