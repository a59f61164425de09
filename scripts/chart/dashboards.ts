import type { Dashboard, Query } from "./panels.ts";

const AGENTS = { agent: "label_values(weir_exchanges_total, agent)" };
const AGENT = 'agent=~"$agent"';
const RATE = "$__rate_interval";

const rate = (metric: string, labels = "") => `rate(${metric}{${labels}}[${RATE}])`;
const by = (label: string, expr: string) => `sum by (${label}) (${expr})`;
/** Half, 95 and 99 of 100 are at most this. */
const quantiles = (metric: string): readonly Query[] => [0.5, 0.95, 0.99].map((part) => (
  { expr: `histogram_quantile(${part}, ${by("le", rate(`${metric}_bucket`))})`, legend: `p${part * 100}` }
));

const traffic: Dashboard = {
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

const budgets: Dashboard = {
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

const threads: Dashboard = {
  uid: "weir-threads",
  title: "Weir / Threads and instances",
  variables: {},
  rows: [
    {
      title: "From message to instance",
      panels: [
        {
          title: "Signal to pod", kind: "timeseries", unit: "s",
          description: "From the message until the API server had the pod; nodes need their time after that.",
          queries: quantiles("weir_controller_signal_to_pod_seconds"),
        },
        {
          title: "What the controller did", kind: "timeseries", unit: "reqps",
          description: "Actions by kind: pods created and stopped, volumes, states written.",
          queries: [{ expr: by("kind", rate("weir_controller_actions_total")), legend: "{{kind}}" }],
        },
        {
          title: "Threads waiting to be looked at", kind: "timeseries", unit: "short",
          description: "Returns to none; one that only grows means that the API server or the store does not answer.",
          queries: [{ expr: "weir_controller_queue_keys", legend: "{{pod}}" }],
        },
        {
          title: "Looks at threads", kind: "timeseries", unit: "reqps",
          description: "By result; `again` is an error of the API server or the store, tried again later.",
          queries: [{ expr: by("result", rate("weir_controller_reconciliations_total")), legend: "{{result}}" }],
        },
      ],
    },
    {
      title: "The controllers themselves",
      panels: [
        {
          title: "Leader", kind: "timeseries", unit: "short",
          description: "One, always; none for at most the Lease's 15 s after a leader was lost.",
          queries: [{ expr: "sum(weir_controller_is_leader)", legend: "leaders" }],
        },
        {
          title: "Time of one look", kind: "timeseries", unit: "s",
          description: "Writes to the API server are in it.",
          queries: quantiles("weir_controller_reconcile_duration_seconds"),
        },
        {
          title: "Memory", kind: "timeseries", unit: "bytes",
          description: "By controller.",
          queries: [{ expr: 'process_resident_memory_bytes{container="controller"}', legend: "{{pod}}" }],
        },
        {
          title: "Event loop delay", kind: "timeseries", unit: "s",
          description: "What every caller of the API waits.",
          queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds{container="controller"}', legend: "{{pod}}" }],
        },
      ],
    },
  ],
};

/** File name below files/dashboards/ and what is in it. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = { "traffic.json": traffic, "budgets.json": budgets, "threads.json": threads };
