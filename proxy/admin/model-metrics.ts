import { Counter, type Registry } from "prom-client";
import { usdNumber } from "../../common/money.ts";
import type { RecordedModelUse } from "../model/record.ts";
import { BoundedLabel, OTHER } from "./bounded-label.ts";
import type { AgentLabels } from "./metrics.ts";

/** Pairs of an agent and a model with series of their own; later ones share `other`. */
const PAIR_LIMIT = 1_000;
/** The same for agents that a budget refused. */
const REFUSED_LIMIT = 1_000;
const MODEL_LIMIT = 200;

/** What calls of language models came to, and what budgets refused, by agent. */
export class ModelMetrics {
  readonly #pairs = new BoundedLabel(PAIR_LIMIT);
  readonly #refused = new BoundedLabel(REFUSED_LIMIT);
  readonly #models = new BoundedLabel(MODEL_LIMIT);
  readonly #requests: Counter;
  readonly #tokens: Counter;
  readonly #usd: Counter;
  readonly #refusals: Counter;
  readonly #alarms: Counter;

  constructor(registry: Registry) {
    const counter = (name: string, help: string, labelNames: readonly string[]) => new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
    const requests = { name: "weir_model_requests_total", help: "Calls of language models that were charged." };
    const tokens = { name: "weir_model_tokens_total", help: "Tokens that were charged, by kind; the kinds do not overlap." };
    const usd = { name: "weir_model_usd_total", help: "Dollars that were charged for language models. A rounded copy: budgets count in whole nano-dollars." };
    const refusals = { name: "weir_budget_refusals_total", help: "Requests that a budget refused or cut." };
    const alarms = { name: "weir_usage_alarms_total", help: "Answers of models whose count of tokens should be looked at." };
    this.#requests = counter(requests.name, requests.help, ["namespace", "agent", "model", "estimated"]);
    this.#tokens = counter(tokens.name, tokens.help, ["namespace", "agent", "model", "kind"]);
    this.#usd = counter(usd.name, usd.help, ["namespace", "agent", "model", "estimated"]);
    this.#refusals = counter(refusals.name, refusals.help, ["namespace", "agent", "budget"]);
    this.#alarms = counter(alarms.name, alarms.help, ["model", "alarm"]);
  }

  /** Counts a call that has ended; one that was never charged counts nothing. */
  used({ namespace, agent }: AgentLabels, { model, charged }: RecordedModelUse): void {
    if (charged === null) return;
    const labels = this.#pairs.has(JSON.stringify([namespace, agent, model])) ? { namespace, agent, model } : { namespace: OTHER, agent: OTHER, model: OTHER };
    const estimated = String(charged.estimated);
    this.#requests.inc({ ...labels, estimated });
    if (charged.nanoUsd !== null) this.#usd.inc({ ...labels, estimated }, usdNumber(BigInt(charged.nanoUsd)));
    const { input, cacheRead, cacheWrite, output, reasoning } = charged.tokens;
    const kinds = { input: input - cacheRead - cacheWrite, "cache-read": cacheRead, "cache-write": cacheWrite, output: output - reasoning, reasoning };
    for (const [kind, count] of Object.entries(kinds)) if (count > 0) this.#tokens.inc({ ...labels, kind }, count);
    for (const alarm of charged.alarms) this.#alarms.inc({ model: this.#models.of(model), alarm });
  }

  /** @param budget id of the one that had no room, as configured */
  refused({ namespace, agent }: AgentLabels, budget: string): void {
    this.#refusals.inc(this.#refused.has(JSON.stringify([namespace, agent, budget])) ? { namespace, agent, budget } : { namespace: OTHER, agent: OTHER, budget: OTHER });
  }
}
