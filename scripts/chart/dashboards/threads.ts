import type { Dashboard } from "../panels.ts";
import { by, quantiles, rate } from "./queries.ts";

export const threads: Dashboard = {
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
