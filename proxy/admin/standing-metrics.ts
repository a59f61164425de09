import { Gauge, type Registry } from "prom-client";
import type { LedgerHealth } from "../model/standing.ts";

/** What is in force now; asked at each scrape. None of it may throw. */
export interface Standing {
  readonly version: string;
  readonly policyRevision: () => string;
  /** Absent where there is no policy to load. */
  readonly policy?: () => PolicyFacts;
  readonly connectedInstances: () => number;
  readonly isAuditHealthy: () => boolean;
  /** Null before a budget first applied. */
  readonly ledger: () => LedgerHealth | null;
  readonly credentials: () => { readonly leases: number; readonly restingStores: readonly string[] };
  /** Null outside of a cluster. `trouble`: the last document is not in force, or not all of it. */
  readonly boundary: () => { readonly revision: string | null; readonly agents: number; readonly trouble: string | null } | null;
}

/** Since when the policy is in force, when the server that has it last answered (null: there is none), and whether what the source has was refused. Times since the epoch. */
interface PolicyFacts {
  readonly loadedAtMs: number;
  readonly checkedAtMs: number | null;
  readonly refused: number;
  readonly trouble: string | null;
}

/** Registers a gauge that is filled anew at each scrape. */
type AddGauge = (name: string, help: string, labelNames: readonly string[], collect: (gauge: Gauge) => void) => void;

/** Stores with a series of their own; more are not shown. */
const STORE_LIMIT = 100;

/** Registers the gauges that show what is in force. */
export function observeStanding(registry: Registry, standing: Standing): void {
  const gauge: AddGauge = (name, help, labelNames, collect) => {
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
  if (standing.policy !== undefined) observePolicy(gauge, standing.policy);
  gauge("weir_instances_connected", "Agent instances with an open connection.", [], (instances) => { instances.set(standing.connectedInstances()); });
  gauge("weir_audit_healthy", "1 while audit records reach the disk; at 0 nothing is let through.", [], (healthy) => { healthy.set(standing.isAuditHealthy() ? 1 : 0); });
  observeLedger(gauge, standing);
  gauge("weir_credential_leases", "Leases and tokens of secret stores that are out, those on their way back among them.", [], (leases) => { leases.set(standing.credentials().leases); });
  gauge("weir_credential_store_failing", "1 for a secret store that failed several times in a row and is left alone for a moment.", ["store"], (failing) => {
    for (const store of standing.credentials().restingStores.slice(0, STORE_LIMIT)) failing.set({ store }, 1);
  });
  if (standing.boundary() !== null) observeBoundary(gauge, standing);
}

function observePolicy(gauge: AddGauge, policy: () => PolicyFacts): void {
  gauge("weir_policy_loaded_timestamp_seconds", "When the policy in force came into force.", [], (loaded) => { loaded.set(policy().loadedAtMs / 1_000); });
  if (policy().checkedAtMs !== null) {
    gauge("weir_policy_checked_timestamp_seconds", "When the server of bundles last answered. Absent where there is none.", [], (checked) => { checked.set((policy().checkedAtMs ?? 0) / 1_000); });
  }
  gauge("weir_policy_refused", "Policies that were not put in force since the start, because they were not fit.", [], (refused) => { refused.set(policy().refused); });
  gauge("weir_policy_trouble", "1 while the newest policy is not in force because it is not fit.", [], (trouble) => { trouble.set(policy().trouble === null ? 0 : 1); });
}

function observeBoundary(gauge: AddGauge, { boundary }: Standing): void {
  gauge("weir_boundary_info", "Always 1; says which boundary of the controller is in force.", ["revision"], (info) => { info.set({ revision: boundary()?.revision ?? "none" }, 1); });
  gauge("weir_boundary_agents", "Agents, and containers with an identity of their own, that the boundary knows.", [], (agents) => { agents.set(boundary()?.agents ?? 0); });
  gauge("weir_boundary_trouble", "1 if the controller's last boundary is not in force, or not all of it.", [], (trouble) => { trouble.set(typeof boundary()?.trouble === "string" ? 1 : 0); });
}

function observeLedger(gauge: AddGauge, { ledger }: Standing): void {
  const add = (name: string, help: string, value: (health: LedgerHealth) => number | null): void => {
    gauge(name, help, [], (shown) => {
      const health = ledger();
      const now = health === null ? null : value(health);
      // One without labels is 0 after a reset, which here would be a claim.
      if (now === null) shown.remove();
      else shown.set(now);
    });
  };
  add("weir_ledger_up", "1 while the ledger of budgets answers this proxy; at 0 only what is lent to it is spent. Absent before a budget first applied.", ({ isUp }) => Number(isUp));
  add("weir_ledger_answered_timestamp_seconds", "When the ledger last answered this proxy.", ({ answeredAtMs }) => (answeredAtMs === null ? null : answeredAtMs / 1_000));
}
