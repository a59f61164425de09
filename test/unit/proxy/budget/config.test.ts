import { expect, test } from "vitest";
import { budgetConfig } from "../../../../proxy/budget/config.ts";

test("no limit is set by default", () => {
  const { perAgent, named } = budgetConfig.parse({});
  expect({ perAgent, named }).toEqual({ perAgent: { window: "thread" }, named: {} });
});

test.each([
  ["half a request", { perAgent: { requests: 0.5 } }], ["less than nothing", { perAgent: { bytes: -1 } }], ["more than can be counted", { perAgent: { bytes: 2 ** 53 } }],
  ["an unknown window", { perAgent: { window: "year" } }], ["an unknown meter", { named: { a: { meter: "euro", limit: 1 } } }], ["a budget without a limit", { named: { a: { meter: "bytes" } } }],
  ["more decimals than a nano-dollar has", { named: { a: { meter: "usd", limit: "0.0000000001" } } }], ["half a byte", { named: { a: { meter: "bytes", limit: "0.5" } } }],
  ["a zone that is none", { named: { a: { meter: "usd", limit: 1, timezone: "Mars/Base" } } }], ["a name that is Weir's own", { named: { "agent.requests": { meter: "requests", limit: 1 } } }], ["an unknown key", { perAgent: { request: 1 } }],
])("a limit of %s is refused", (_name, budgets) => {
  expect(budgetConfig.safeParse(budgets).success).toBe(false);
});

test("a ledger across the network names its file, and no other does", () => {
  const problems = (ledger: Record<string, unknown>) => budgetConfig.safeParse({ ledger }).error?.issues.map(({ path }) => path.join(".")) ?? [];
  expect([problems({ type: "postgres" }), problems({ type: "embedded", urlFile: "/f" }), problems({ type: "postgres", urlFile: "/f" })]).toEqual([["ledger.urlFile"], ["ledger.urlFile"], []]);
});
