import type { Dashboard } from "../panels.ts";
import { AGENT, AGENTS, by, rate } from "./queries.ts";

export const budgets: Dashboard = {
  uid: "weir-budgets",
  title: "Weir / Budgets",
  variables: AGENTS,
  rows: [
    {
      title: "Limits",
      panels: [
        {
          title: "Requests that a limit stopped", kind: "timeseries", unit: "reqps",
          description: "An agent here is at its cap: it is told so, and told not to try again.",
          queries: [{ expr: by("agent", rate("weir_exchanges_total", `${AGENT}, code="budget.exhausted"`)), legend: "{{agent}}" }],
        },
        {
          title: "Requests that could not be counted", kind: "timeseries", unit: "reqps",
          description: "Must be none: what cannot be counted is refused.",
          queries: [{ expr: by("pod", rate("weir_exchanges_total", 'code="budget.unavailable"')), legend: "{{pod}}" }],
        },
      ],
    },
    {
      title: "What is used",
      panels: [
        {
          title: "Requests in the last 24 hours", kind: "table", unit: "short",
          description: "By agent, the most first.",
          queries: [{ expr: `topk(50, ${by("agent", `increase(weir_exchanges_total{${AGENT}}[24h])`)})`, legend: "" }],
        },
        {
          title: "Bytes in the last 24 hours", kind: "table", unit: "bytes",
          description: "Bodies in both directions, by agent, the most first.",
          queries: [{ expr: `topk(50, ${by("agent", `increase(weir_exchange_bytes_total{${AGENT}}[24h])`)})`, legend: "" }],
        },
        {
          title: "Bytes sent", kind: "timeseries", unit: "Bps",
          description: "Bodies of requests, by agent.",
          queries: [{ expr: `topk(10, ${by("agent", rate("weir_exchange_bytes_total", `${AGENT}, direction="sent"`))})`, legend: "{{agent}}" }],
        },
        {
          title: "Bytes received", kind: "timeseries", unit: "Bps",
          description: "Bodies of answers, by agent.",
          queries: [{ expr: `topk(10, ${by("agent", rate("weir_exchange_bytes_total", `${AGENT}, direction="received"`))})`, legend: "{{agent}}" }],
        },
      ],
    },
  ],
};
