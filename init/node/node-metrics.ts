import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { ServedMetrics } from "../../common/admin-server.ts";
import type { KeeperMetrics, Reason } from "./keep-rules.ts";

/** The metrics of the node's agent in the text format of Prometheus. */
export class NodeMetrics implements KeeperMetrics, ServedMetrics {
  readonly #registry = new Registry();
  readonly #registers = [this.#registry];
  readonly #pods = new Gauge({
    name: "weir_redirect_pods", help: "Governed pods of the node: captured ones have their rules, waiting ones do not start their agents.",
    labelNames: ["state"], registers: this.#registers,
  });
  readonly #written = new Counter({
    name: "weir_redirect_rules_written_total", help: "Times that rules were written into a pod: first, drift (somebody had changed them), moved (it has another namespace).",
    labelNames: ["reason"], registers: this.#registers,
  });
  readonly #failures = new Counter({ name: "weir_redirect_failures_total", help: "Times that rules could not be written, or did not hold.", registers: this.#registers });

  constructor() {
    for (const reason of ["first", "drift", "moved"] as const) this.#written.inc({ reason }, 0);
    this.pods(0, 0);
  }

  observeProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  pods(captured: number, waiting: number): void {
    this.#pods.set({ state: "captured" }, captured);
    this.#pods.set({ state: "waiting" }, waiting);
  }

  written(reason: Reason): void {
    this.#written.inc({ reason });
  }

  failed(): void {
    this.#failures.inc();
  }

  async text(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}
