import type { Dashboard, Panel, Query, Row, Unit } from "../panels.ts";
import { RATE, by } from "./queries.ts";

const WHO = 'namespace=~"$namespace", agent=~"$agent"';
const CALLS = `${WHO}, model=~"$model"`;
const BUDGET = 'budget=~"$budget", namespace=~"$namespace|"';

/** Dollars an hour, at the pace of the last minutes. */
const hourly = (label: string) => `3600 * ${by(label, `rate(weir_model_usd_total{${CALLS}}[${RATE}])`)}`;
const spentInRange = (label: string) => `topk(50, ${by(label, `increase(weir_model_usd_total{${CALLS}}[$__range])`)})`;
/** Every program at the ledger shows the same: they are compared, not added up. */
const standing = (what: string) => `max by (budget, meter, namespace) (weir_budget_${what}{${BUDGET}})`;
const START = standing("window_start_timestamp_seconds");
const END = standing("window_end_timestamp_seconds");
/** What of all dollars was charged by estimate, because the provider's own count was missing or unfit. */
const estimated = (window: string) => `(sum(rate(weir_model_usd_total{${CALLS}, estimated="true"}[${window}])) or vector(0))`
  + ` / (sum(rate(weir_model_usd_total{${CALLS}}[${window}])) > 0)`;
const tokens = (grouping: string, window: string, kinds: string) => `${grouping} (rate(weir_model_tokens_total{${CALLS}, kind=~"${kinds}"}[${window}]))`;
const cached = (grouping: string, window: string) => `(${tokens(grouping, window, "cache-read")} or 0 * ${tokens(grouping, window, "input|output")})`
  + ` / (${tokens(grouping, window, "input|cache-read|cache-write")} > 0)`;

const stat = (title: string, unit: Unit, expr: string, description: string): Panel => (
  { title, kind: "stat", unit, width: 4, description, queries: [{ expr, legend: "" }] }
);
const chart = (title: string, unit: Unit, queries: readonly Query[], description: string): Panel => ({ title, kind: "timeseries", unit, description, queries });

const NOW: Row = {
  title: "In this range",
  panels: [
    stat("Spent", "currencyUSD", `sum(increase(weir_model_usd_total{${CALLS}}[$__range]))`, "Charged for models; the ledger has the exact sum."),
    stat("Burn rate", "currencyUSD", `3600 * sum(rate(weir_model_usd_total{${CALLS}}[${RATE}]))`, "Dollars an hour, at the pace of the last minutes."),
    stat("Model calls", "reqps", `sum(rate(weir_model_requests_total{${CALLS}}[${RATE}]))`, "Calls that were charged."),
    stat("Refused by budgets", "short", `sum(increase(weir_budget_refusals_total{${WHO}, budget=~"$budget"}[$__range])) or vector(0)`,
      "Requests that had no room, or were cut at the edge."),
    stat("Estimated share", "percentunit", estimated("$__range"), "Of the dollars, what no provider's own count stands behind."),
    stat("Cache hits", "percentunit", cached("sum", "$__range"), "Input tokens that the provider read from its cache, which cost a fraction."),
  ],
};

const WHO_SPENDS: Row = {
  title: "Who spends",
  panels: [
    chart("Dollars an hour by team", "currencyUSD", [{ expr: hourly("namespace"), legend: "{{namespace}}" }], "A team is a namespace."),
    chart("Dollars an hour by agent", "currencyUSD", [{ expr: `topk(10, ${hourly("namespace, agent")})`, legend: "{{namespace}}/{{agent}}" }],
      "The ten that spend fastest."),
    chart("Dollars an hour by model", "currencyUSD", [{ expr: `topk(10, ${hourly("model")})`, legend: "{{model}}" }],
      "As answers name their model; a dear one where a cheap one would do shows here."),
    {
      title: "Spent by team, agent and model", kind: "table", unit: "currencyUSD", description: "In the range, the most first.",
      queries: [{ expr: spentInRange("namespace, agent, model"), legend: "Spent" }],
    },
  ],
};

const BUDGETS: Row = {
  title: "Budgets",
  panels: [
    {
      title: "How budgets stand", kind: "table", unit: "short", width: 24,
      description: "In dollars or units of the meter, in the current window. Held is lent to proxies; lost is held by proxies that no longer answer, and counts as spent.",
      queries: [
        { expr: standing("limit"), legend: "Limit" }, { expr: standing("spent"), legend: "Spent" }, { expr: standing("held"), legend: "Held" },
        { expr: standing("lost"), legend: "Lost" }, { expr: standing("share"), legend: "Share", unit: "percentunit" },
        { expr: `1000 * ${END}`, legend: "Window ends", unit: "dateTimeFromNow" },
      ],
    },
    chart("Share of the limit", "percentunit", [{ expr: `topk(20, ${standing("share")})`, legend: "{{budget}}" }],
      "At 1 nothing more is let through. Where each agent, user or thread has a count, the fullest."),
    chart("Time to the cap", "s", [{
      expr: `(${standing("limit")} - ${standing("spent")} - ${standing("lost")}) / (max by (budget, meter, namespace) (deriv(weir_budget_spent{${BUDGET}}[30m])) > 0)`,
      legend: "{{budget}}",
    }], "At the pace of the last half hour; a budget whose line is below the time to its window's end will run dry before."),
    chart("Refusals by budget", "reqps", [{ expr: by("budget", `rate(weir_budget_refusals_total{${WHO}, budget=~"$budget"}[${RATE}])`), legend: "{{budget}}" }],
      "Agents at their cap. They are told not to try again: a line that stays up is one that does."),
    chart("Pace", "percentunit", [{
      expr: `${standing("share")} / ((time() - ${START}) / (${END} - ${START}))`, legend: "{{budget}}",
    }], "Share of the limit over share of the window that has passed: above 1 the window is longer than the money."),
  ],
};

const TOKENS: Row = {
  title: "Tokens",
  panels: [
    chart("Tokens by kind", "short", [{ expr: by("kind", `rate(weir_model_tokens_total{${CALLS}}[${RATE}])`), legend: "{{kind}}" }],
      "A second. Kinds do not overlap: input without what the cache gave or took, output without reasoning."),
    chart("Cache hits by model", "percentunit", [{ expr: cached("sum by (model)", RATE), legend: "{{model}}" }],
      "Share of input tokens that the provider's cache gave. A prompt that changes at its start shows as a fall."),
  ],
};

const SOUND: Row = {
  title: "Whether the count is sound",
  panels: [
    chart("Estimated share", "percentunit", [{ expr: estimated("1h"), legend: "estimated" }],
      "Of the dollars of an hour. Cut streams are estimated; a provider that stopped to report shows as a step."),
    chart("Usage alarms", "short", [{ expr: by("alarm, model", `increase(weir_usage_alarms_total{model=~"$model"}[${RATE}])`), legend: "{{alarm}} {{model}}" }],
      "Counts of a provider that cannot be: runbook WeirUsageUnsound."),
    chart("Ledger answers", "short", [{ expr: "min by (instance) (weir_ledger_up)", legend: "{{instance}}" }],
      "1 for each proxy that the ledger answers. At 0 it spends what is lent to it, then refuses."),
    chart("Since the ledger's last answer", "s", [{ expr: "time() - (weir_ledger_answered_timestamp_seconds > 0)", legend: "{{instance}}" }], "By proxy."),
  ],
};

export const spend: Dashboard = {
  uid: "weir-spend",
  title: "Weir / Spend",
  variables: {
    namespace: "label_values(weir_model_requests_total, namespace)",
    agent: 'label_values(weir_model_requests_total{namespace=~"$namespace"}, agent)',
    model: "label_values(weir_model_requests_total, model)",
    budget: "label_values(weir_budget_limit, budget)",
  },
  rows: [NOW, WHO_SPENDS, BUDGETS, TOKENS, SOUND],
};
