import { expect, test } from "vitest";
import { configuredBudgets } from "../../../../cli/budget/configured-budgets.ts";
import { budgetConfig } from "../../../../proxy/budget/config.ts";

test("what every agent has for itself comes first, then what is named; money is nano-dollars", () => {
  const config = budgetConfig.parse({ perAgent: { requests: 10, usd: "0.5", window: "hour" }, named: { "team-a": { meter: "usd", limit: 20, timezone: "Europe/Berlin" } } });
  expect(configuredBudgets(config)).toEqual([
    { budget: "agent.requests", meter: "requests", limit: 10n, window: "hour", timezone: "UTC" },
    { budget: "agent.usd", meter: "usd", limit: 500_000_000n, window: "hour", timezone: "UTC" },
    { budget: "team-a", meter: "usd", limit: 20_000_000_000n, window: "day", timezone: "Europe/Berlin" },
  ]);
});
