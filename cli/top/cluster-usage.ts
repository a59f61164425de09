import { NANO_USD } from "../../common/money.ts";
import type { Sample } from "../cluster/metrics-text.ts";
import type { ProxyReport } from "../cluster/node-proxies.ts";
import type { Used, UsageSample } from "./usage.ts";

const SEVERAL = "several";

/** What the metrics of node proxies say, by agent, all nodes together. Pure. @param namespace only of this one */
export function clusterUsage(reports: readonly ProxyReport[], namespace: string | undefined): UsageSample {
  const agents = new Map<string, Used>();
  const samples = reports.flatMap((report) => report.samples)
    .filter(({ labels }) => labels["namespace"] !== undefined && labels["agent"] !== undefined && (namespace === undefined || labels["namespace"] === namespace));
  for (const sample of samples) {
    const agent = `${sample.labels["namespace"]}/${sample.labels["agent"]}`;
    const before = agents.get(agent) ?? { agent, thread: null, model: "", requests: 0, refusals: 0, tokens: 0, nanoUsd: 0n, open: null };
    agents.set(agent, { ...before, ...added(before, sample) });
  }
  return { used: [...agents.values()], troubles: reports.flatMap(({ proxy, trouble }) => (trouble === null ? [] : [`${proxy.node}: ${trouble}`])) };
}

function added(before: Used, { name, labels, value }: Sample): Partial<Used> {
  switch (name) {
    case "weir_model_requests_total": return { requests: before.requests + value, model: together(before.model, labels["model"] ?? "") };
    case "weir_model_tokens_total": return { tokens: before.tokens + value };
    case "weir_model_usd_total": return { nanoUsd: before.nanoUsd + BigInt(Math.round(value * Number(NANO_USD))) };
    case "weir_budget_refusals_total": return { refusals: before.refusals + value };
    default: return {};
  }
}

function together(one: string, other: string): string {
  return one === "" || one === other ? other : SEVERAL;
}
