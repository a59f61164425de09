import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { observeBudgets } from "../../common/ledger/budget-gauges.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import { ERROR_TABLE } from "../errors.ts";
import { BoundedLabel, OTHER } from "./bounded-label.ts";
import type { ExchangeFacts, Metrics } from "./metrics.ts";
import { ModelMetrics } from "./model-metrics.ts";
import { observeStanding, type Standing } from "./standing-metrics.ts";
import { UsageBoard } from "./usage-board.ts";

/** Agents with a series of their own; later ones share `other`. */
const AGENT_LIMIT = 200;
const QUESTION_LIMIT = 16;
const GRANT_LIMIT = 500;
/** Rules of the shadow policy with a series of their own; later ones share `other`. */
const RULE_LIMIT = 200;

const EXCHANGE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const POLICY_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

/** The metrics in the text format of Prometheus, in a registry of their own: two proxies in one process do not share them. */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry();
  readonly #agents = new BoundedLabel(AGENT_LIMIT);
  readonly #questions = new BoundedLabel(QUESTION_LIMIT);
  readonly #grants = new BoundedLabel(GRANT_LIMIT);
  readonly #registers = [this.#registry];
  readonly #openConnections = new Gauge({ name: "weir_connections_open", help: "Connections of agents that are open.", registers: this.#registers });
  readonly #connections = new Counter({ name: "weir_connections_total", help: "Connections of agents that ended.", labelNames: ["outcome", "code"], registers: this.#registers });
  readonly #exchanges = new Counter({ name: "weir_exchanges_total", help: "Requests of agents that ended.", labelNames: ["agent", "outcome", "code"], registers: this.#registers });
  readonly #exchangeSeconds = new Histogram({
    name: "weir_exchange_duration_seconds", help: "Time from a request's head to the end of its answer.", labelNames: ["outcome"], buckets: EXCHANGE_SECONDS,
    registers: this.#registers,
  });
  readonly #bytes = new Counter({ name: "weir_exchange_bytes_total", help: "Bytes of bodies, by direction as the agent sees it.", labelNames: ["agent", "direction"], registers: this.#registers });
  readonly #names = new Counter({ name: "weir_names_total", help: "DNS queries of agents that were answered.", labelNames: ["outcome"], registers: this.#registers });
  readonly #policySeconds = new Histogram({
    name: "weir_policy_evaluation_seconds", help: "Time of one policy evaluation.", labelNames: ["question"], buckets: POLICY_SECONDS, registers: this.#registers,
  });

  readonly #shadowRules = new BoundedLabel(RULE_LIMIT);
  readonly #shadow = new Counter({
    name: "weir_policy_shadow_total", help: "Answers of the shadow policy, against the decision in force.", labelNames: ["question", "verdict", "rule"], registers: this.#registers,
  });
  readonly #injections = new Counter({ name: "weir_credential_injections_total", help: "Requests that a credential was put into.", labelNames: ["grant"], registers: this.#registers });
  readonly #masked = new Counter({ name: "weir_secrets_masked_total", help: "Finds of lent secrets in answers.", labelNames: ["grant", "place"], registers: this.#registers });
  readonly #mcpTaken = new Counter({ name: "weir_mcp_filtered_total", help: "What answers of MCP servers lost before they reached an agent.", labelNames: ["kind"], registers: this.#registers });

  readonly #models = new ModelMetrics(this.#registry);
  /** The same by thread, for `weir top`; not in the registry. */
  readonly usage = new UsageBoard();

  /** Adds what is looked up at each scrape. Once. */
  observe(standing: Standing): void {
    observeStanding(this.#registry, standing);
  }

  /** Adds how budgets stand in their ledger. Once, and not where somebody else shows them. */
  observeBudgets(ledger: Pick<LedgerStore, "standings">): void {
    observeBudgets(this.#registry, ledger);
  }

  /** Adds what the runtime says of itself: memory, CPU time, event loop delay. Once, for a process that is scraped. */
  observeProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  connectionOpened(): void {
    this.#openConnections.inc();
  }

  connectionClosed(outcome: ExchangeFacts["outcome"], code: string): void {
    this.#openConnections.dec();
    this.#connections.inc({ outcome, code: codeLabel(code) });
  }

  exchangeClosed(facts: ExchangeFacts): void {
    const { namespace, agent, outcome, code, durationMs, requestBytes, responseBytes, modelUse, budget } = facts;
    this.usage.note(facts);
    const label = this.#agents.of(agent);
    if (modelUse !== undefined) this.#models.used({ namespace, agent }, modelUse);
    if (budget !== undefined) this.#models.refused({ namespace, agent }, budget);
    this.#exchanges.inc({ agent: label, outcome, code: codeLabel(code) });
    this.#exchangeSeconds.observe({ outcome }, durationMs / 1_000);
    this.#bytes.inc({ agent: label, direction: "sent" }, requestBytes);
    this.#bytes.inc({ agent: label, direction: "received" }, responseBytes);
  }

  nameAnswered(outcome: ExchangeFacts["outcome"]): void {
    this.#names.inc({ outcome });
  }

  shadowAnswered(question: string, verdict: string, rule: string | null): void {
    // Who agrees needs no rule: there are as many as requests are of a kind.
    const label = rule === null || verdict === "agrees" ? "" : this.#shadowRules.of(rule);
    this.#shadow.inc({ question: this.#questions.of(question), verdict, rule: label });
  }

  policyEvaluated(question: string, durationMs: number): void {
    this.#policySeconds.observe({ question: this.#questions.of(question) }, durationMs / 1_000);
  }

  credentialsLent(grants: readonly string[]): void {
    for (const grant of grants) this.#injections.inc({ grant: this.#grants.of(grant) });
  }

  secretsMasked(reference: string, place: "header" | "body" | "trailer" | "frame", count: number): void {
    this.#masked.inc({ grant: this.#grants.of(reference.split("@", 1)[0] ?? ""), place }, count);
  }

  mcpFiltered(hidden: number, withheld: number): void {
    this.#mcpTaken.inc({ kind: "list-entry" }, hidden);
    this.#mcpTaken.inc({ kind: "server-request" }, withheld);
  }

  /** The whole registry as Prometheus scrapes it. */
  async text(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }
}

/** A code of the error table, `ok` for none, and nothing else. */
function codeLabel(code: string): string {
  if (code === "" || code === "ok") return "ok";
  return Object.hasOwn(ERROR_TABLE, code) ? code : OTHER;
}
