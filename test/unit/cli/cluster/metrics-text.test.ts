import { expect, test } from "vitest";
import { readSamples } from "../../../../cli/cluster/metrics-text.ts";

const TEXT = `# HELP weir_budget_spent What was charged.
# TYPE weir_budget_spent gauge
weir_budget_spent{budget="team.daily",meter="requests"} 42
weir_budget_spent{budget="a\\"b\\\\c\\nd",meter="bytes"} 1.5e+06 1700000000
weir_audit_healthy 1
weir_broken{} NaN-ish
process_cpu_seconds_total 3
`;

test("reads samples with their labels, and passes over everything else", () => {
  expect(readSamples(TEXT, "weir_")).toEqual([
    { name: "weir_budget_spent", labels: { budget: "team.daily", meter: "requests" }, value: 42 },
    { name: "weir_budget_spent", labels: { budget: 'a"b\\c\nd', meter: "bytes" }, value: 1_500_000 },
    { name: "weir_audit_healthy", labels: {}, value: 1 },
  ]);
});
