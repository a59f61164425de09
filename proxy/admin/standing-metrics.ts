import { Gauge, type Registry } from "prom-client";

/** How one budget stands, all who are charged to it together. */
export interface BudgetTotal {
  readonly id: string;
  readonly meter: string;
  readonly limit: number;
  readonly settled: number;
  readonly reserved: number;
}

/** What is in force now; asked at each scrape. None of it may throw. */
export interface Standing {
  readonly version: string;
  readonly policyRevision: () => string;
  readonly connectedInstances: () => number;
  readonly isAuditHealthy: () => boolean;
  readonly budgets: () => readonly BudgetTotal[];
  readonly credentials: () => { readonly leases: number; readonly restingStores: readonly string[] };
  /** Null outside of a cluster. `trouble`: the last document is not in force, or not all of it. */
  readonly boundary: () => { readonly revision: string | null; readonly agents: number; readonly trouble: string | null } | null;
}

/** Budgets with a series of their own; more are not shown. */
const BUDGET_LIMIT = 1_000;
/** The same for stores. */
const STORE_LIMIT = 100;

/** Registers the gauges that show what is in force. */
export function observeStanding(registry: Registry, standing: Standing): void {
  const gauge = (name: string, help: string, labelNames: readonly string[], collect: (gauge: Gauge) => void): void => {
    new Gauge({
      name, help, labelNames: [...labelNames], registers: [registry],
      collect() {
        this.reset();
        collect(this);
      },
    });
  };
  gauge("weir_build_info", "Always 1; says which version runs.", ["version", "node"], (info) => { info.set({ version: standing.version, node: process.versions.node }, 1); });
  gauge("weir_policy_info", "Always 1; says which policy is in force.", ["revision"], (info) => { info.set({ revision: standing.policyRevision() }, 1); });
  gauge("weir_instances_connected", "Agent instances with an open connection.", [], (instances) => { instances.set(standing.connectedInstances()); });
  gauge("weir_audit_healthy", "1 while audit records reach the disk; at 0 nothing is let through.", [], (healthy) => { healthy.set(standing.isAuditHealthy() ? 1 : 0); });
  const budgetGauge = (name: string, help: string, amount: (total: BudgetTotal) => number): void => {
    gauge(name, help, ["budget", "meter"], (budget) => {
      for (const total of standing.budgets().slice(0, BUDGET_LIMIT)) budget.set({ budget: total.id, meter: total.meter }, amount(total));
    });
  };
  budgetGauge("weir_budget_limit", "Most that a budget allows in its window.", ({ limit }) => limit);
  budgetGauge("weir_budget_spent", "What was charged to a budget in its window, as this proxy counts.", ({ settled }) => settled);
  budgetGauge("weir_budget_reserved", "What open requests hold of a budget.", ({ reserved }) => reserved);
  gauge("weir_credential_leases", "Leases and tokens of secret stores that are out, those on their way back among them.", [], (leases) => { leases.set(standing.credentials().leases); });
  gauge("weir_credential_store_failing", "1 for a secret store that failed several times in a row and is left alone for a moment.", ["store"], (failing) => {
    for (const store of standing.credentials().restingStores.slice(0, STORE_LIMIT)) failing.set({ store }, 1);
  });
  if (standing.boundary() !== null) observeBoundary(gauge, standing);
}

function observeBoundary(gauge: (name: string, help: string, labelNames: readonly string[], collect: (gauge: Gauge) => void) => void, { boundary }: Standing): void {
  gauge("weir_boundary_info", "Always 1; says which boundary of the controller is in force.", ["revision"], (info) => { info.set({ revision: boundary()?.revision ?? "none" }, 1); });
  gauge("weir_boundary_agents", "Agents, and containers with an identity of their own, that the boundary knows.", [], (agents) => { agents.set(boundary()?.agents ?? 0); });
  gauge("weir_boundary_trouble", "1 if the controller's last boundary is not in force, or not all of it.", [], (trouble) => { trouble.set(typeof boundary()?.trouble === "string" ? 1 : 0); });
}
