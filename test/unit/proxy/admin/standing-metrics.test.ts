import { describe, expect, test } from "vitest";
import { PrometheusMetrics } from "../../../../proxy/admin/prometheus-metrics.ts";
import type { Standing } from "../../../../proxy/admin/standing-metrics.ts";

const noLeases = () => ({ leases: 0, restingStores: [] });

function shown(over: Partial<Standing> = {}): Promise<{ readonly body: string }> {
  const metrics = new PrometheusMetrics();
  metrics.observe({ version: "1.2.3", policyRevision: () => "r1", connectedInstances: () => 3, isAuditHealthy: () => true, ledger: () => null, boundary: () => null, credentials: noLeases, ...over });
  return metrics.text();
}

describe("what is in force, as metrics", () => {
  test("is looked up at each scrape, and what was in force before is no longer shown", async () => {
    let revision = "r1";
    const metrics = new PrometheusMetrics();
    metrics.observe({ version: "1.2.3", policyRevision: () => revision, connectedInstances: () => 3, isAuditHealthy: () => false, ledger: () => null, boundary: () => null, credentials: noLeases });
    expect((await metrics.text()).body).toContain('weir_policy_info{revision="r1"} 1');
    revision = "r2";
    const { body } = await metrics.text();
    expect(body).toContain('weir_policy_info{revision="r2"} 1');
    expect(body).not.toContain("r1");
    expect(body).toMatch(/weir_instances_connected 3\n/);
    expect(body).toMatch(/weir_audit_healthy 0\n/);
    expect(body).toContain('weir_build_info{version="1.2.3"');
  });

  test("says since when the policy is in force, what was refused, and when a server of bundles last answered, if there is one", async () => {
    const { body } = await shown({ policy: () => ({ loadedAtMs: 5_000, checkedAtMs: 7_000, refused: 2, trouble: "older" }) });
    expect(body).toMatch(/weir_policy_loaded_timestamp_seconds 5\n[^]*weir_policy_checked_timestamp_seconds 7\n[^]*weir_policy_refused 2\n[^]*weir_policy_trouble 1\n/);
    const local = await shown({ policy: () => ({ loadedAtMs: 5_000, checkedAtMs: null, refused: 0, trouble: null }) });
    expect(local.body).toMatch(/weir_policy_trouble 0\n/);
    expect(local.body).not.toContain("weir_policy_checked");
  });

  test("shows the boundary of a cluster, and whether the last one is in force; on one machine there is none", async () => {
    const { body } = await shown({ boundary: () => ({ revision: "r7", agents: 12, trouble: "no" }) });
    expect(body).toContain('weir_boundary_info{revision="r7"} 1');
    expect(body).toMatch(/weir_boundary_agents 12\n/);
    expect(body).toMatch(/weir_boundary_trouble 1\n/);
    expect((await shown({ boundary: () => ({ revision: null, agents: 0, trouble: null }) })).body).toMatch(/weir_boundary_info\{revision="none"\} 1\n[^]*weir_boundary_trouble 0\n/);
    expect((await shown()).body).not.toContain("weir_boundary");
  });

  test("shows how many leases are out, and which stores are left alone; of those that answer nothing", async () => {
    const { body } = await shown({ credentials: () => ({ leases: 7, restingStores: ["vault"] }) });
    expect(body).toMatch(/weir_credential_leases 7\n/);
    expect(body).toContain('weir_credential_store_failing{store="vault"} 1');
    expect((await shown()).body).not.toContain("weir_credential_store_failing{");
  });

  test("says whether the ledger answers, and when it last did; before it was first asked, nothing", async () => {
    const { body } = await shown({ ledger: () => ({ isUp: false, answeredAtMs: 5_000 }) });
    expect(body).toMatch(/weir_ledger_up 0\n/);
    expect(body).toMatch(/weir_ledger_answered_timestamp_seconds 5\n/);
    expect((await shown()).body).not.toMatch(/^weir_ledger/m);
    expect((await shown({ ledger: () => ({ isUp: true, answeredAtMs: null }) })).body).not.toMatch(/^weir_ledger_answered/m);
  });

  test("counts finds of lent secrets in answers by grant and place", async () => {
    const metrics = new PrometheusMetrics();
    metrics.secretsMasked("a.github@file:/x#1", "body", 2);
    metrics.secretsMasked("a.github@file:/x#2", "body", 1);
    expect((await metrics.text()).body).toContain('weir_secrets_masked_total{grant="a.github",place="body"} 3');
  });

  test("counts what answers of MCP servers lost", async () => {
    const metrics = new PrometheusMetrics();
    metrics.mcpFiltered(3, 1);
    metrics.mcpFiltered(1, 0);
    const { body } = await metrics.text();
    expect(body).toContain('weir_mcp_filtered_total{kind="list-entry"} 4');
    expect(body).toContain('weir_mcp_filtered_total{kind="server-request"} 1');
  });

  test("counts requests with a credential by grant", async () => {
    const metrics = new PrometheusMetrics();
    metrics.credentialsLent(["a.github", "a.slack"]);
    metrics.credentialsLent(["a.github"]);
    metrics.credentialsLent([]);
    const { body } = await metrics.text();
    expect(body).toContain('weir_credential_injections_total{grant="a.github"} 2');
    expect(body).toContain('weir_credential_injections_total{grant="a.slack"} 1');
  });
});
