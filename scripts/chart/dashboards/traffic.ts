import type { Dashboard } from "../panels.ts";
import { AGENT, AGENTS, RATE, by, quantiles, rate } from "./queries.ts";

export const traffic: Dashboard = {
  uid: "weir-traffic",
  title: "Weir / Traffic and decisions",
  variables: AGENTS,
  rows: [
    {
      title: "What agents do",
      panels: [
        {
          title: "Requests by outcome", kind: "timeseries", unit: "reqps",
          description: "Allowed, denied and failed requests. A failure is ours or the destination's, never an allow.",
          queries: [{ expr: by("outcome", rate("weir_exchanges_total", AGENT)), legend: "{{outcome}}" }],
        },
        {
          title: "Why requests ended early", kind: "timeseries", unit: "reqps",
          description: "Codes of refusals and failures; docs/failures.md says what each means.",
          queries: [{ expr: by("code", rate("weir_exchanges_total", `${AGENT}, code!="ok"`)), legend: "{{code}}" }],
        },
        {
          title: "Busiest agents", kind: "timeseries", unit: "reqps",
          description: "Requests by agent.",
          queries: [{ expr: `topk(10, ${by("agent", rate("weir_exchanges_total", AGENT))})`, legend: "{{agent}}" }],
        },
        {
          title: "Agents that are refused most", kind: "timeseries", unit: "reqps",
          description: "A task that the policy does not foresee, or an agent that tries things.",
          queries: [{ expr: `topk(10, ${by("agent", rate("weir_exchanges_total", `${AGENT}, outcome="denied"`))})`, legend: "{{agent}}" }],
        },
      ],
    },
    {
      title: "Connections and names",
      panels: [
        {
          title: "Open connections", kind: "timeseries", unit: "short",
          description: "By node proxy.",
          queries: [{ expr: by("pod", "weir_connections_open"), legend: "{{pod}}" }],
        },
        {
          title: "Connections that were not served", kind: "timeseries", unit: "reqps",
          description: "By code: identity, destination, policy, TLS.",
          queries: [{ expr: by("code", rate("weir_connections_total", 'code!="ok"')), legend: "{{code}}" }],
        },
        {
          title: "DNS queries", kind: "timeseries", unit: "reqps",
          description: "All answered on the node; none leaves it.",
          queries: [{ expr: by("outcome", rate("weir_names_total")), legend: "{{outcome}}" }],
        },
        {
          title: "Policy evaluation", kind: "timeseries", unit: "s",
          description: "Half, 95 and 99 of 100 evaluations are at most this long.",
          queries: quantiles("weir_policy_evaluation_seconds"),
        },
      ],
    },
    {
      title: "The proxies themselves",
      panels: [
        {
          title: "Time of requests", kind: "timeseries", unit: "s",
          description: "From the request's head to the end of the answer; mostly the destination's.",
          queries: quantiles("weir_exchange_duration_seconds"),
        },
        {
          title: "Processor", kind: "timeseries", unit: "short",
          description: "Cores used, by node proxy. One is the most that one can use for the most part.",
          queries: [{ expr: `rate(process_cpu_seconds_total{container="proxy"}[${RATE}])`, legend: "{{pod}}" }],
        },
        {
          title: "Memory", kind: "timeseries", unit: "bytes",
          description: "By node proxy.",
          queries: [{ expr: 'process_resident_memory_bytes{container="proxy"}', legend: "{{pod}}" }],
        },
        {
          title: "Event loop delay", kind: "timeseries", unit: "s",
          description: "What every request of the node waits; above some 100 ms the proxy has too much to do.",
          queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds{container="proxy"}', legend: "{{pod}}" }],
        },
      ],
    },
  ],
};
