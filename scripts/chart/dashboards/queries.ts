import type { Query } from "../panels.ts";

/** The choice of agents that a dashboard offers, and how a query follows it. */
export const AGENTS = { agent: "label_values(weir_exchanges_total, agent)" };
export const AGENT = 'agent=~"$agent"';
export const RATE = "$__rate_interval";

export const rate = (metric: string, labels = "") => `rate(${metric}{${labels}}[${RATE}])`;
export const by = (label: string, expr: string) => `sum by (${label}) (${expr})`;

/** Half, 95 and 99 of 100 are at most this. */
export const quantiles = (metric: string): readonly Query[] => [0.5, 0.95, 0.99].map((part) => (
  { expr: `histogram_quantile(${part}, ${by("le", rate(`${metric}_bucket`))})`, legend: `p${part * 100}` }
));
