import { expect, test } from "vitest";
import { NodeMetrics } from "../../../../init/node/node-metrics.ts";

test("say how many pods have their rules, why they were written, and how often that failed", async () => {
  const metrics = new NodeMetrics();
  expect((await metrics.text()).body).toContain('weir_redirect_rules_written_total{reason="drift"} 0');
  metrics.pods(3, 1);
  metrics.written("drift");
  metrics.failed();
  const { body, contentType } = await metrics.text();
  for (const line of ['weir_redirect_pods{state="captured"} 3', 'weir_redirect_pods{state="waiting"} 1', 'weir_redirect_rules_written_total{reason="drift"} 1', "weir_redirect_failures_total 1"]) expect(body).toContain(line);
  expect(contentType).toMatch(/^text\/plain/);
});
