import { describe, expect, test } from "vitest";
import { PrometheusMetrics } from "../../../../proxy/admin/prometheus-metrics.ts";
import type { Standing } from "../../../../proxy/admin/standing-metrics.ts";
import type { BudgetTotal } from "../../../../proxy/model/standing.ts";

async function shown(over: Partial<Standing>): Promise<string> {
  const metrics = new PrometheusMetrics();
  metrics.observe({
    version: "1", policyRevision: () => "r", connectedInstances: () => 0, isAuditHealthy: () => true, budgets: () => [], boundary: () => null,
    credentials: () => ({ leases: 0, restingStores: [] }), ...over,
  });
  return (await metrics.text()).body;
}

const TOTAL: BudgetTotal = {
  id: "team.day", meter: "usd", window: "day", namespace: "team", limit: 10, settled: 4.5, reserved: 1, lost: 0.25, share: 0.475,
  startsAtMs: 1_000, endsAtMs: 86_401_000, isWaiting: true,
};

describe("budgets and their ledger, as metrics", () => {
  test("show limit, spent, held and lost, how near the limit is, and when the window ends", async () => {
    const body = await shown({ budgets: () => [TOTAL] });
    const values = { limit: 10, spent: 4.5, held: 1, lost: 0.25, share: 0.475, window_start_timestamp_seconds: 1, window_end_timestamp_seconds: 86_401, waiting: 1 };
    for (const [name, value] of Object.entries(values)) expect(body).toContain(`weir_budget_${name}{budget="team.day",meter="usd",namespace="team"} ${value}\n`);
  });

  test("show no end for a window that has none, and nothing that is not known", async () => {
    const body = await shown({ budgets: () => [{ id: "all", meter: "requests", limit: 10, settled: 4, reserved: 1, endsAtMs: null }] });
    expect(body).toContain('weir_budget_limit{budget="all",meter="requests",namespace=""} 10');
    for (const name of ["window_end_timestamp_seconds", "share", "lost", "waiting"]) expect(body).not.toContain(`weir_budget_${name}{`);
  });

  test("are bounded, however many budgets there are", async () => {
    const body = await shown({ budgets: () => Array.from({ length: 1_200 }, (_, index) => ({ ...TOTAL, id: `b${index}` })) });
    expect(body.match(/^weir_budget_limit\{/gm)).toHaveLength(1_000);
  });

  test("say whether the ledger answers, and when it last did; where there is none to ask, nothing", async () => {
    const body = await shown({ ledger: () => ({ isUp: false, answeredAtMs: 5_000 }) });
    expect(body).toMatch(/weir_ledger_up 0\n/);
    expect(body).toMatch(/weir_ledger_answered_timestamp_seconds 5\n/);
    expect(await shown({})).not.toContain("weir_ledger");
  });
});
