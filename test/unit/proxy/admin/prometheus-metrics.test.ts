import { describe, expect, test } from "vitest";
import { PrometheusMetrics } from "../../../../proxy/admin/prometheus-metrics.ts";

const exchange = (over: Partial<Parameters<PrometheusMetrics["exchangeClosed"]>[0]> = {}) =>
  ({ namespace: "local", thread: "t1", agent: "local/worker", outcome: "allowed" as const, code: "ok", durationMs: 12, requestBytes: 3, responseBytes: 5, ...over });
const lines = async (metrics: PrometheusMetrics) => (await metrics.text()).body.split("\n");

describe("the metrics", () => {
  test("count requests by agent, outcome and code, and bytes by direction", async () => {
    const metrics = new PrometheusMetrics();
    metrics.exchangeClosed(exchange());
    metrics.exchangeClosed(exchange({ outcome: "denied", code: "policy.denied" }));
    expect(await lines(metrics)).toEqual(expect.arrayContaining([
      'weir_exchanges_total{agent="local/worker",outcome="allowed",code="ok"} 1',
      'weir_exchanges_total{agent="local/worker",outcome="denied",code="policy.denied"} 1',
      'weir_exchange_bytes_total{agent="local/worker",direction="sent"} 6',
      'weir_exchange_bytes_total{agent="local/worker",direction="received"} 10',
    ]));
  });

  test("tell how many connections are open", async () => {
    const metrics = new PrometheusMetrics();
    metrics.connectionOpened();
    metrics.connectionOpened();
    metrics.connectionClosed("allowed", "");
    expect(await lines(metrics)).toEqual(expect.arrayContaining(["weir_connections_open 1", 'weir_connections_total{outcome="allowed",code="ok"} 1']));
  });

  test("give seconds, not milliseconds", async () => {
    const metrics = new PrometheusMetrics();
    metrics.policyEvaluated("exchange", 2);
    metrics.nameAnswered("denied");
    expect(await lines(metrics)).toEqual(expect.arrayContaining(['weir_policy_evaluation_seconds_sum{question="exchange"} 0.002', 'weir_names_total{outcome="denied"} 1']));
  });

  test("count what a shadow would decide otherwise by rule, of a bounded number of rules", async () => {
    const metrics = new PrometheusMetrics();
    metrics.shadowAnswered("exchange", "agrees", "any");
    for (let each = 0; each < 300; each += 1) metrics.shadowAnswered("exchange", "would-deny", `rule-${each}`);
    metrics.shadowAnswered("exchange", "failed", null);
    const series = (await lines(metrics)).filter((line) => line.startsWith("weir_policy_shadow_total{"));
    expect(series).toEqual(expect.arrayContaining([
      'weir_policy_shadow_total{question="exchange",verdict="agrees",rule=""} 1', 'weir_policy_shadow_total{question="exchange",verdict="would-deny",rule="rule-0"} 1',
      'weir_policy_shadow_total{question="exchange",verdict="would-deny",rule="other"} 100', 'weir_policy_shadow_total{question="exchange",verdict="failed",rule=""} 1',
    ]));
    expect(series).toHaveLength(203);
  });

  test("keep a bounded number of series, however many agents and codes there are", async () => {
    const metrics = new PrometheusMetrics();
    for (let each = 0; each < 1_000; each += 1) metrics.exchangeClosed(exchange({ agent: `agent-${each}`, code: `code-${each}` }));
    const series = (await lines(metrics)).filter((line) => line.startsWith("weir_exchanges_total{"));
    expect(series).toHaveLength(201);
    expect(series).toContain('weir_exchanges_total{agent="other",outcome="allowed",code="other"} 800');
  });

  test("cannot be made to say another thing by an agent's name", async () => {
    const metrics = new PrometheusMetrics();
    metrics.exchangeClosed(exchange({ agent: 'a"} 7\nweir_fake 1' }));
    expect(await lines(metrics)).not.toContain("weir_fake 1");
  });

  test("are not shared between two proxies of one process", async () => {
    const [one, other] = [new PrometheusMetrics(), new PrometheusMetrics()];
    one.connectionOpened();
    expect(await lines(other)).toContain("weir_connections_open 0");
  });
});
