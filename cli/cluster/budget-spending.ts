import { qualifiedId } from "../../common/boundary-set.ts";
import type { ProxyReport } from "./node-proxies.ts";
import type { SeenAgent, SeenBudget } from "./resources.ts";

/** What a node's proxy has counted for a budget, in the budget's window. */
export interface NodeSpending {
  readonly node: string;
  readonly spent: number;
  /** What open requests hold. */
  readonly reserved: number;
}

/** A budget, who is charged to it, and what was. */
export interface BudgetStanding {
  readonly namespace: string;
  readonly name: string;
  readonly meter: string;
  readonly limit: number;
  readonly window: string;
  /** Agents that name it, and MCP servers as `agent.server`. */
  readonly holders: readonly string[];
  readonly isAccepted: boolean;
  readonly reason: string;
  /** By node: each proxy counts for itself. Null if nothing counts it for all together (window `thread`), or nothing could be heard. */
  readonly spending: readonly NodeSpending[] | null;
}

/** Where each budget stands, by what the proxies say. Pure. */
export function standingOf(budget: SeenBudget, agents: readonly SeenAgent[], reports: readonly ProxyReport[]): BudgetStanding {
  const { metadata: { namespace, name }, spec: { meter, limit, window }, status } = budget;
  const accepted = status.conditions.find(({ type }) => type === "Accepted");
  const heard = reports.filter(({ trouble }) => trouble === null);
  return {
    namespace, name, meter, limit, window, isAccepted: accepted?.status === "True", reason: accepted === undefined ? "Pending" : accepted.reason,
    holders: agents.filter(({ metadata }) => metadata.namespace === namespace).flatMap((agent) => holdersIn(agent, name)),
    spending: window === "thread" || heard.length === 0 ? null : heard.map((report) => spendingOf(report, qualifiedId(namespace, name))),
  };
}

export function total(spending: readonly NodeSpending[]): number {
  return spending.reduce((sum, { spent }) => sum + spent, 0);
}

function holdersIn({ metadata, spec }: SeenAgent, budget: string): string[] {
  const servers = spec.mcpServers.filter(({ budgets }) => budgets.includes(budget)).map(({ name }) => `${metadata.name}.${name}`);
  return spec.budgets.includes(budget) ? [metadata.name, ...servers] : servers;
}

function spendingOf({ proxy, samples }: ProxyReport, id: string): NodeSpending {
  const amount = (name: string) => samples.find((sample) => sample.name === name && sample.labels["budget"] === id)?.value ?? 0;
  return { node: proxy.node, spent: amount("weir_budget_spent"), reserved: amount("weir_budget_held") };
}
