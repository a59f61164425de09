/** Series as promtool writes them (`value+step x count`), one sample a minute, and whether the alert fires at the minute. */
export interface AlertCase {
  readonly alert: string;
  readonly says: string;
  readonly series: Readonly<Record<string, string>>;
  readonly minute: number;
  /** Labels of the alert that fires, without `severity`; null: it must not. */
  readonly fires: Readonly<Record<string, string>> | null;
}

const BUDGET = 'budget="team.day", meter="usd", namespace="team"';
const LABELS = { budget: "team.day", meter: "usd", namespace: "team" };
/** Two proxies show the same budget; the one that heard of it later is right. */
const share = (newest: string) => ({ [`weir_budget_share{${BUDGET}, instance="a"}`]: "0.1x300", [`weir_budget_share{${BUDGET}, instance="b"}`]: newest });
const day = { [`weir_budget_window_start_timestamp_seconds{${BUDGET}}`]: "0x300", [`weir_budget_window_end_timestamp_seconds{${BUDGET}}`]: "86400x300" };
const dollars = (estimated: string, counted: string) => ({
  'weir_model_usd_total{namespace="team", agent="a", model="m", estimated="true"}': estimated, 'weir_model_usd_total{namespace="team", agent="a", model="m", estimated="false"}': counted,
});
const REFUSALS = 'weir_budget_refusals_total{namespace="team", agent="a", budget="team.day"}';
const alarms = (alarm: string) => `weir_usage_alarms_total{model="m", alarm="${alarm}"}`;

/** Each alert about spending, and beside it the nearest thing that must wake nobody. */
export const ALERT_CASES: readonly AlertCase[] = [
  { alert: "WeirBudgetNearLimit", says: "four fifths are spent", series: share("0.8x10"), minute: 5, fires: LABELS },
  { alert: "WeirBudgetNearLimit", says: "almost four fifths are spent", series: share("0.79x10"), minute: 5, fires: null },
  { alert: "WeirBudgetNearLimit", says: "the graver alert says it already", series: share("0.95x10"), minute: 5, fires: null },
  { alert: "WeirBudgetAlmostSpent", says: "19 of 20 are spent", series: share("0.95x10"), minute: 5, fires: LABELS },
  { alert: "WeirBudgetAlmostSpent", says: "9 of 10 are spent", series: share("0.9x10"), minute: 5, fires: null },
  { alert: "WeirBudgetExhausted", says: "more refusals than before", series: { [REFUSALS]: "3+1x20" }, minute: 10, fires: { budget: "team.day" } },
  { alert: "WeirBudgetExhausted", says: "the very first refusal, with which the series begins", series: { [REFUSALS]: "_x8 1x10" }, minute: 10, fires: { budget: "team.day" } },
  { alert: "WeirBudgetExhausted", says: "refusals of long ago", series: { [REFUSALS]: "3x60" }, minute: 30, fires: null },
  { alert: "WeirSpendTooFast", says: "half is spent after a sixth of the day", series: { ...share("0.5x300"), ...day }, minute: 240, fires: LABELS },
  { alert: "WeirSpendTooFast", says: "a quarter is spent after a sixth of the day", series: { ...share("0.24x300"), ...day }, minute: 240, fires: null },
  { alert: "WeirSpendTooFast", says: "much is spent in the first hour, which says little", series: { ...share("0.3x300"), ...day }, minute: 60, fires: null },
  { alert: "WeirPolicyRefused", says: "a bundle is refused for minutes", series: { 'weir_policy_trouble{pod="a"}': "0x2 1x10" }, minute: 9, fires: { pod: "a" } },
  { alert: "WeirPolicyRefused", says: "a boundary is refused for minutes", series: { 'weir_policy_trouble{pod="a"}': "0x12", 'weir_boundary_trouble{pod="a"}': "0x2 1x10" }, minute: 9, fires: { pod: "a" } },
  { alert: "WeirPolicyRefused", says: "the next bundle is fit", series: { 'weir_policy_trouble{pod="a"}': "0 1 1 0x10" }, minute: 9, fires: null },
  { alert: "WeirBudgetWaits", says: "a threshold asks", series: { [`weir_budget_waiting{${BUDGET}}`]: "0x5 1x10" }, minute: 8, fires: LABELS },
  { alert: "WeirBudgetWaits", says: "a person has approved", series: { [`weir_budget_waiting{${BUDGET}}`]: "1x5 0x10" }, minute: 8, fires: null },
  { alert: "WeirLedgerUnreachable", says: "no answer for minutes", series: { 'weir_ledger_up{instance="a"}': "1x3 0x10" }, minute: 8, fires: { instance: "a" } },
  { alert: "WeirLedgerUnreachable", says: "one scrape without, then answers again", series: { 'weir_ledger_up{instance="a"}': "1x3 0 1x10" }, minute: 8, fires: null },
  { alert: "WeirSlicesLost", says: "something is lost for a quarter of an hour", series: { [`weir_budget_lost{${BUDGET}}`]: "0.5x20" }, minute: 15, fires: LABELS },
  { alert: "WeirSlicesLost", says: "it came back", series: { [`weir_budget_lost{${BUDGET}}`]: "0.5x5 0x20" }, minute: 15, fires: null },
  { alert: "WeirSpendEstimated", says: "half of the dollars are estimates", series: dollars("0+1x100", "0+1x100"), minute: 80, fires: { namespace: "team", agent: "a", model: "m" } },
  { alert: "WeirSpendEstimated", says: "a tenth of them is", series: dollars("0+1x100", "0+9x100"), minute: 80, fires: null },
  { alert: "WeirSpendEstimated", says: "nothing is spent at all", series: dollars("5x100", "5x100"), minute: 80, fires: null },
  { alert: "WeirUsageUnsound", says: "a provider counts more than can be", series: { [alarms("over-reported")]: "1+1x20" }, minute: 10, fires: { model: "m", alarm: "over-reported" } },
  { alert: "WeirUsageUnsound", says: "a model without a price, once", series: { [alarms("unknown-model")]: "_x8 1x10" }, minute: 10, fires: { model: "m", alarm: "unknown-model" } },
  { alert: "WeirUsageUnsound", says: "a cut stream has no count: that is estimated, not unsound", series: { [alarms("missing")]: "1+1x20" }, minute: 10, fires: null },
];
