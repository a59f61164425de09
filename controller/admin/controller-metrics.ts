import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ServedMetrics } from "../../common/admin-server.ts";
import { observeBudgets } from "../../common/ledger/budget-gauges.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import type { ApiMetrics, RequestFacts } from "../api/context.ts";
import type { ReconcileMetrics } from "../reconcile/ports.ts";
import type { WebhookMetrics } from "../webhook/server.ts";

const LOOK_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const START_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** The controller's metrics in the text format of Prometheus. Nothing has a label by thread or agent: they come and go, and a series stays. */
export class ControllerMetrics implements ReconcileMetrics, ApiMetrics, WebhookMetrics, ServedMetrics {
  readonly #registry = new Registry();
  readonly #registers = [this.#registry];
  readonly #leads = new Gauge({
    name: "weir_controller_is_leader", registers: this.#registers,
    help: "1 in the controller that leads, 0 in the others.",
  });
  readonly #queue = new Gauge({ name: "weir_controller_queue_keys", help: "Threads waiting to be looked at.", registers: this.#registers });
  readonly #looks = new Counter({
    name: "weir_controller_reconciliations_total", labelNames: ["result"], registers: this.#registers,
    help: "Looks at a thread, by result: done, or again for one that has to be repeated.",
  });
  readonly #lookSeconds = new Histogram({
    name: "weir_controller_reconcile_duration_seconds", buckets: LOOK_SECONDS, registers: this.#registers,
    help: "Time of one look at a thread.",
  });
  readonly #actions = new Counter({
    name: "weir_controller_actions_total", labelNames: ["kind"], registers: this.#registers,
    help: "What was done in the cluster, by kind.",
  });
  readonly #startSeconds = new Histogram({
    name: "weir_controller_signal_to_pod_seconds", buckets: START_SECONDS, registers: this.#registers,
    help: "Time from a thread's signal until the API server had its pod.",
  });
  readonly #requests = new Counter({
    name: "weir_controller_api_requests_total", labelNames: ["route", "method", "status"], registers: this.#registers,
    help: "Requests to the API that ended, by route and status.",
  });
  readonly #requestSeconds = new Histogram({
    name: "weir_controller_api_request_duration_seconds", labelNames: ["route"], buckets: LOOK_SECONDS, registers: this.#registers,
    help: "Time of one request to the API; waits for messages and streams of events are long by design.",
  });
  readonly #reviews = new Counter({
    name: "weir_controller_webhook_reviews_total", labelNames: ["outcome"], registers: this.#registers,
    help: "Pods that the webhook reviewed, by outcome; `failed` ones were not let through either.",
  });
  readonly #reviewSeconds = new Histogram({
    name: "weir_controller_webhook_review_duration_seconds", buckets: LOOK_SECONDS, registers: this.#registers,
    help: "Time of one review.",
  });

  constructor() {
    // Known from the start: a rate begins with the first event only if there was a zero before it.
    for (const result of ["done", "again"]) this.#looks.inc({ result }, 0);
    for (const outcome of ["injected", "unchanged", "refused", "failed"]) this.#reviews.inc({ outcome }, 0);
    this.#leads.set(0);
  }

  /** Adds what the runtime says of itself: memory, CPU time, event loop delay. Once, for a process that is scraped. */
  observeProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Adds how budgets stand in the ledger that this controller serves. Once. */
  observeBudgets(ledger: Pick<LedgerStore, "standings">): void {
    observeBudgets(this.#registry, ledger);
  }

  leading(isLeader: boolean): void {
    this.#leads.set(isLeader ? 1 : 0);
    if (!isLeader) this.#queue.set(0);
  }

  queueDepth(keys: number): void {
    this.#queue.set(keys);
  }

  reconciled(isDone: boolean, durationMs: number): void {
    this.#looks.inc({ result: isDone ? "done" : "again" });
    this.#lookSeconds.observe(durationMs / 1_000);
  }

  acted(kind: string): void {
    this.#actions.inc({ kind });
  }

  signalToPod(latencyMs: number): void {
    this.#startSeconds.observe(latencyMs / 1_000);
  }

  requestEnded({ route, method, status, durationMs }: RequestFacts): void {
    this.#requests.inc({ route, method, status: String(status) });
    this.#requestSeconds.observe({ route }, durationMs / 1_000);
  }

  reviewed(outcome: string, durationMs: number): void {
    this.#reviews.inc({ outcome });
    this.#reviewSeconds.observe(durationMs / 1_000);
  }

  /** The whole registry as Prometheus scrapes it. */
  async text(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}
