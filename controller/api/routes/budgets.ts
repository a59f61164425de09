import { createRoute } from "@hono/zod-openapi";
import type { Adjustment, Standing } from "../../../common/ledger/ledger-store.ts";
import { tellStandings } from "../../../common/ledger/tell-standings.ts";
import type { Log } from "../../../common/log.ts";
import { unreachable } from "../../../common/unreachable.ts";
import type { Action } from "../../access/access.ts";
import { adjustmentWish, budgetList, budgetsQuery, ofBudget, type AdjustmentWish } from "../budget-schemas.ts";
import { namespaceOfBudget, viewsOfBudgets } from "../budget-views.ts";
import { personOf, type Api, type RouteParts } from "../context.ts";
import { jsonAnswer, jsonBody, orProblem } from "../describe.ts";
import { ApiProblem } from "../problem.ts";

const list = createRoute({
  method: "get", path: "/v1/budgets", operationId: "listBudgets", summary: "Budgets and how they stand",
  request: { query: budgetsQuery }, responses: { 200: jsonAnswer("The budgets, by id.", budgetList), ...orProblem },
});
const adjust = createRoute({
  method: "post", path: "/v1/budgets/{budget}/adjust", operationId: "adjustBudget", summary: "Set, top up or reset a budget, or let spending go on past a threshold",
  request: { params: ofBudget, body: jsonBody(adjustmentWish) },
  responses: { 200: jsonAnswer("The budget with the counts that changed.", budgetList), ...orProblem },
});

/** More counts than one answer holds are for metrics. */
const STANDINGS_LIMIT = 10_000;

/** What people see and say of budgets: by the rights that they have on Budgets in the namespace, or in all of them for what belongs to the installation. */
export function budgetRoutes(api: Api, parts: RouteParts): void {
  const requireRight = async (context: Parameters<typeof personOf>[0], action: Action, namespace: string | null) => {
    const person = personOf(context);
    await parts.access.require(person, { action, namespace: namespace ?? "" });
    return person;
  };
  api.openapi(list, async (context) => {
    const { namespace, budget } = context.req.valid("query");
    await requireRight(context, "budget.read", budget === undefined ? namespace ?? null : namespaceOfBudget(budget));
    const isMeant = (id: string) => (budget === undefined || id === budget) && (namespace === undefined || namespaceOfBudget(id) === namespace);
    const known = parts.budgets.all().filter(({ id }) => isMeant(id));
    const standings = await standingsOf(parts, budget === undefined && namespace !== undefined ? known.map(({ id }) => id) : [budget]);
    return context.json({ budgets: viewsOfBudgets(known, standings.filter(({ account }) => isMeant(account.budget))) }, 200);
  });
  api.openapi(adjust, async (context) => {
    const { budget } = context.req.valid("param");
    const person = await requireRight(context, "budget.adjust", namespaceOfBudget(budget));
    const adjustment = adjustmentOf(budget, person.name, context.req.valid("json"));
    const before = await parts.ledger.standings({ limit: STANDINGS_LIMIT, budget });
    const changed = await parts.ledger.adjust(adjustment);
    logAdjustment(parts.log, adjustment, { before, after: changed });
    await parts.store.forgetExhaustion(budget);
    const known = parts.budgets.find(budget);
    if (changed.length === 0 && known === null) throw new ApiProblem("not-found", `there is no budget ${budget}, and nothing was counted for one`);
    return context.json({ budgets: viewsOfBudgets(known === null ? [] : [known], changed) }, 200);
  });
}

/** Who changed what, from what to what, and why. */
function logAdjustment(log: Log, { budget, kind, by, why, key }: Adjustment, { before, after }: Readonly<Record<"before" | "after", readonly Standing[]>>): void {
  const isMeant = ({ account }: Standing) => key === undefined || account.key === key;
  log.info("budget.adjusted", { budget, kind, by, why, ...(key === undefined ? {} : { key }), before: tellStandings(before.filter(isMeant)), after: tellStandings(after) });
}

/** One question for each budget: the counts of a namespace must not be cut off because another has many. @param budgets undefined is all of the cluster */
async function standingsOf({ ledger }: RouteParts, budgets: readonly (string | undefined)[]): Promise<readonly Standing[]> {
  const standings: Standing[] = [];
  for (const budget of budgets) standings.push(...await ledger.standings({ limit: STANDINGS_LIMIT, ...(budget === undefined ? {} : { budget }) }));
  return standings;
}

function adjustmentOf(budget: string, by: string, { kind, limit, amount, key, why }: AdjustmentWish): Adjustment {
  const order = { budget, by, why, ...(key === undefined ? {} : { key }) };
  switch (kind) {
    case "set": return { ...order, kind, limit: limit === undefined || limit === null ? null : BigInt(limit) };
    case "topup": return { ...order, kind, amount: BigInt(amount ?? 0) };
    case "reset": case "approve": return { ...order, kind };
    default: return unreachable(kind);
  }
}
