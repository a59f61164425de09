import { describe, expect, test } from "vitest";
import type { ExchangeFacts } from "../../../../proxy/admin/metrics.ts";
import { PrometheusMetrics } from "../../../../proxy/admin/prometheus-metrics.ts";
import type { RecordedModelUse } from "../../../../proxy/model/record.ts";

type Charged = NonNullable<RecordedModelUse["charged"]>;
const CHARGED: Charged = {
  tokens: { input: 100, cacheRead: 60, cacheWrite: 10, output: 40, reasoning: 15 }, nanoUsd: "1500000000", estimated: false, reportedNanoUsd: null, estimatedNanoUsd: null, alarms: [],
};
const call = (over: Partial<Charged> = {}, model = "gpt-x"): RecordedModelUse => (
  { api: "openai-chat", provider: "openai", model, stream: false, clampedTo: null, heldNanoUsd: null, charged: { ...CHARGED, ...over } }
);
const exchange = (over: Partial<ExchangeFacts>): ExchangeFacts => (
  { namespace: "team", agent: "writer", thread: "t1", outcome: "allowed", code: "ok", durationMs: 1, requestBytes: 1, responseBytes: 1, ...over }
);

async function shown(...facts: readonly Partial<ExchangeFacts>[]): Promise<string> {
  const metrics = new PrometheusMetrics();
  for (const one of facts) metrics.exchangeClosed(exchange(one));
  return (await metrics.text()).body;
}

describe("what models came to, as metrics", () => {
  test("is counted in requests, dollars and tokens, of which each is of one kind alone", async () => {
    const body = await shown({ modelUse: call() }, { modelUse: call({ estimated: true, nanoUsd: "1" }) });
    const who = 'namespace="team",agent="writer",model="gpt-x"';
    expect(body).toContain(`weir_model_requests_total{${who},estimated="false"} 1`);
    expect(body).toContain(`weir_model_usd_total{${who},estimated="false"} 1.5`);
    expect(body).toContain(`weir_model_usd_total{${who},estimated="true"} 1e-9`);
    for (const [kind, count] of [["input", 60], ["cache-read", 120], ["cache-write", 20], ["output", 50], ["reasoning", 30]]) {
      expect(body).toContain(`weir_model_tokens_total{${who},kind="${kind}"} ${count}`);
    }
  });

  test("counts nothing for a call that was never charged, and no dollars where there is no price", async () => {
    expect(await shown({ modelUse: { ...call(), charged: null } })).not.toContain("weir_model_requests_total{");
    expect(await shown({ modelUse: call({ nanoUsd: null }) })).not.toContain("weir_model_usd_total{");
  });

  test("tells which answers somebody should look at", async () => {
    expect(await shown({ modelUse: call({ alarms: ["over-reported", "missing"] }) })).toContain('weir_usage_alarms_total{model="gpt-x",alarm="over-reported"} 1');
  });

  test("names the budget that refused, by who was refused", async () => {
    const body = await shown({ outcome: "denied", code: "budget.exhausted", budget: "team.day" }, { outcome: "denied", code: "policy.denied" });
    expect(body).toContain('weir_budget_refusals_total{namespace="team",agent="writer",budget="team.day"} 1');
    expect(body.match(/^weir_budget_refusals_total\{/gm)).toHaveLength(1);
  });

  test("is bounded, whatever models agents name: what comes late shares one series, and the sum is whole", async () => {
    const body = await shown(...Array.from({ length: 1_100 }, (_, index) => ({ modelUse: call({}, `model-${index}`) })));
    expect(body.match(/^weir_model_requests_total\{/gm)).toHaveLength(1_001);
    expect(body).toContain('weir_model_requests_total{namespace="other",agent="other",model="other",estimated="false"} 100');
  });
});
