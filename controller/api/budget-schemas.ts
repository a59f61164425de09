import { z } from "@hono/zod-openapi";
import { SCOPES } from "../../common/ledger/account-key.ts";
import { WINDOWS } from "../../common/ledger/account.ts";
import { AMOUNT_LIMIT, METERS } from "../../common/meters.ts";

const label = z.string().min(1).max(63).regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, "must be a DNS label");
const budgetId = z.string().min(1).max(128).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "must be NAMESPACE.NAME, or a name of the installation");
const amount = z.string().regex(/^\d{1,19}$/).refine((digits) => BigInt(digits) <= AMOUNT_LIMIT, "is more than a ledger keeps")
  .openapi({ description: "Digits, in whole units of the meter; `usd` in nano-dollars." });
const time = z.iso.datetime();
const accountKey = z.string().min(1).max(1_024);

/** One count of a budget, in its current window. */
export const budgetCount = z.strictObject({
  key: accountKey.openapi({ description: "Names the count in `adjust`." }),
  of: z.string().openapi({ description: "Who shares it: empty for all, else the namespace, user, `namespace/agent` or `namespace/agent/thread`." }),
  configuredLimit: amount,
  limit: amount.openapi({ description: "What counts now: the configured limit, or what somebody set instead, and what was added in this window." }),
  settled: amount, estimated: amount.openapi({ description: "Of what is settled." }),
  outstanding: amount.openapi({ description: "Lent to node proxies that are there." }),
  lost: amount.openapi({ description: "Lent to node proxies that are silent: counted as spent until they come back." }),
  topUp: amount,
  windowStart: time, windowEnd: time.nullable(),
  waitsAtPercent: z.int().nullable().openapi({ description: "Threshold that waits for a person; null: none does." }),
}).openapi("BudgetCount");

export const budgetView = z.strictObject({
  id: z.string(),
  namespace: z.string().nullable().openapi({ description: "Null: of the installation, or one that proxies keep for each agent or thread." }),
  name: z.string(), meter: z.enum(METERS), window: z.enum(WINDOWS), timezone: z.string(),
  per: z.enum(SCOPES), parent: z.string().nullable(),
  limit: amount.nullable().openapi({ description: "Configured; null where counts have limits of their own, such as allowances." }),
  counts: z.array(budgetCount).openapi({ description: "Those with something in their current window, fullest first." }),
}).openapi("Budget");
export const budgetList = z.strictObject({ budgets: z.array(budgetView) }).openapi("BudgetList");

export const budgetsQuery = z.strictObject({
  namespace: label.optional().openapi({ description: "Only of this namespace. Without it: all of the cluster, for those who may read all." }),
  budget: budgetId.optional().openapi({ description: "Only the one of this id." }),
});
export const ofBudget = z.strictObject({ budget: budgetId });

export const adjustmentWish = z.strictObject({
  kind: z.enum(["set", "topup", "reset", "approve"]).openapi({
    description: "`set`: another limit from now on. `topup`: more in this window. `reset`: what is settled begins anew. `approve`: on past the threshold that waits.",
  }),
  limit: amount.nullable().optional().openapi({ description: "With `set`; null is the configured limit." }),
  amount: amount.optional(),
  key: accountKey.optional().openapi({ description: "Only this count of the budget; absent: all of them." }),
  why: z.string().max(1_000).default("").openapi({ description: "For the record." }),
}).superRefine(({ kind, limit, amount: more }, context) => {
  const complain = (path: string, message: string) => { context.addIssue({ code: "custom", path: [path], message }); };
  if ((kind === "set") !== (limit !== undefined)) complain("limit", "belongs to `set`, and `set` needs it");
  if ((kind === "topup") !== (more !== undefined)) complain("amount", "belongs to `topup`, and `topup` needs it");
}).openapi("Adjustment");
export type AdjustmentWish = z.output<typeof adjustmentWish>;
