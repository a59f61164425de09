import { describe, expect, test } from "vitest";
import { ControllerMetrics } from "../../../../controller/admin/controller-metrics.ts";

async function valueOf(metrics: ControllerMetrics, series: string): Promise<string | undefined> {
  const { body } = await metrics.text();
  return body.split("\n").find((line) => line.startsWith(`${series} `))?.slice(series.length + 1);
}

describe("the controller's metrics", () => {
  test("count looks at threads by whether they have to be repeated, from zero on", async () => {
    const metrics = new ControllerMetrics();
    expect(await valueOf(metrics, 'weir_controller_reconciliations_total{result="again"}')).toBe("0");
    metrics.reconciled(true, 5);
    metrics.reconciled(false, 2_000);
    metrics.reconciled(true, 5);
    expect(await valueOf(metrics, 'weir_controller_reconciliations_total{result="done"}')).toBe("2");
    expect(await valueOf(metrics, 'weir_controller_reconciliations_total{result="again"}')).toBe("1");
    expect(await valueOf(metrics, 'weir_controller_reconcile_duration_seconds_bucket{le="0.005"}')).toBe("2");
  });

  test("say who leads, and nobody who does not lead has a queue", async () => {
    const metrics = new ControllerMetrics();
    metrics.leading(true);
    metrics.queueDepth(7);
    expect([await valueOf(metrics, "weir_controller_is_leader"), await valueOf(metrics, "weir_controller_queue_keys")]).toEqual(["1", "7"]);
    metrics.leading(false);
    expect([await valueOf(metrics, "weir_controller_is_leader"), await valueOf(metrics, "weir_controller_queue_keys")]).toEqual(["0", "0"]);
  });

  test("measure from signal to pod in seconds, and count actions by kind", async () => {
    const metrics = new ControllerMetrics();
    metrics.signalToPod(40);
    metrics.acted("create-pod");
    expect(await valueOf(metrics, "weir_controller_signal_to_pod_seconds_sum")).toBe("0.04");
    expect(await valueOf(metrics, 'weir_controller_actions_total{kind="create-pod"}')).toBe("1");
  });
});
