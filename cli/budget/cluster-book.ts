import { dataOf, type Budget, type BudgetCount, type WeirClient } from "../../client/client.ts";
import { qualifiedId } from "../../common/boundary-set.ts";
import type { Standing } from "../../common/ledger/ledger-store.ts";
import type { BudgetBook, Order } from "./budget-book.ts";

/** Which of a cluster's budgets are meant. */
export interface ClusterScope {
  /** Null: of all namespaces, and the installation's own. */
  readonly namespace: string | null;
}

/** The ledger of a cluster, by its controller, which knows who calls and puts adjustments on record. */
export async function clusterBook({ api }: WeirClient, { namespace }: ClusterScope): Promise<BudgetBook> {
  const list = async (budget?: string) => {
    const query = { ...(namespace === null ? {} : { namespace }), ...(budget === undefined ? {} : { budget }) };
    return dataOf(await api.GET("/v1/budgets", { params: { query } })).budgets;
  };
  return {
    place: namespace === null ? "this cluster" : `namespace ${namespace}`,
    configured: configuredOf(await list()),
    idOf: (name) => (namespace === null || name.includes(".") ? name : qualifiedId(namespace, name)),
    standings: async (budget) => standingsOf(await list(budget)),
    adjust: async (order) => {
      const answer = dataOf(await api.POST("/v1/budgets/{budget}/adjust", { params: { path: { budget: order.budget } }, body: wishOf(order) }));
      return standingsOf(answer.budgets);
    },
    close: async () => undefined,
  };
}

function configuredOf(budgets: readonly Budget[]): BudgetBook["configured"] {
  return budgets.flatMap(({ id, meter, limit, window, timezone }) => (limit === null ? [] : [{ budget: id, meter, limit: BigInt(limit), window, timezone }]));
}

function standingsOf(budgets: readonly Budget[]): Standing[] {
  return budgets.flatMap((budget) => budget.counts.map((count) => standingOf(budget, count)));
}

function standingOf({ id, meter, window, timezone }: Budget, count: BudgetCount): Standing {
  const { key, windowStart, windowEnd, waitsAtPercent } = count;
  return {
    account: { key, budget: id, meter, limit: BigInt(count.configuredLimit), window, timezone, thresholds: [] },
    windowStartMs: Date.parse(windowStart), windowEndMs: windowEnd === null ? null : Date.parse(windowEnd), waitsAtPercent,
    limit: BigInt(count.limit), settled: BigInt(count.settled), estimated: BigInt(count.estimated), outstanding: BigInt(count.outstanding),
    lost: BigInt(count.lost), topUp: BigInt(count.topUp),
  };
}

function wishOf(order: Order) {
  const said = { kind: order.kind, why: order.why, ...(order.key === undefined ? {} : { key: order.key }) };
  if (order.kind === "set") return { ...said, limit: order.limit === null ? null : String(order.limit) };
  return order.kind === "topup" ? { ...said, amount: String(order.amount) } : said;
}
