import { describe, expect, test } from "vitest";
import { accountKey } from "../../../../common/ledger/account-key.ts";
import type { Standing } from "../../../../common/ledger/ledger-store.ts";
import { adjustmentWish, budgetList } from "../../../../controller/api/budget-schemas.ts";
import { namespaceOfBudget, viewsOfBudgets } from "../../../../controller/api/budget-views.ts";
import type { KnownBudget } from "../../../../controller/ledger/known-budgets.ts";

const DAILY: KnownBudget = {
  id: "a.daily", namespace: "a", name: "daily", meter: "usd", limit: 5n, window: "day", timezone: "UTC", per: "agent", parent: "org", thresholds: [],
};
const standing = (budget: string, agent: string, settled: bigint): Standing => ({
  account: { key: accountKey({ budget, meter: "usd", window: "day", scope: "agent", shared: ["a", agent] }), budget, meter: "usd", limit: 5n, window: "day", timezone: "UTC", thresholds: [] },
  windowStartMs: 0, windowEndMs: 86_400_000, limit: 7n, settled, estimated: 1n, outstanding: 2n, lost: 0n, topUp: 2n, waitsAtPercent: null,
});

describe("budgets as people see them", () => {
  test("have their counts, the fullest first, and fit the document of the API", () => {
    const budgets = viewsOfBudgets([DAILY, { ...DAILY, id: "a.unused", name: "unused" }], [standing("a.daily", "one", 1n), standing("a.daily", "two", 3n), standing("agent.usd", "one", 4n)]);
    expect(budgets.map(({ id, namespace, limit, counts }) => [id, namespace, limit, counts.map(({ of, settled }) => `${of} ${settled}`)])).toEqual([
      ["a.daily", "a", "5", ["a/two 3", "a/one 1"]], ["a.unused", "a", "5", []], ["agent.usd", null, null, ["a/one 4"]],
    ]);
    expect(budgetList.parse({ budgets })).toEqual({ budgets });
  });

  test.each([["a.daily", "a"], ["org", null], ["agent.usd", null], ["thread.allowance.usd", null]])("%s is of the namespace %s", (id, namespace) => {
    expect(namespaceOfBudget(id)).toBe(namespace);
  });
});

test.each<[boolean, object]>([
  [true, { kind: "set", limit: "5" }], [true, { kind: "set", limit: null }], [true, { kind: "topup", amount: "5", key: "k", why: "w" }], [true, { kind: "reset" }], [true, { kind: "approve" }],
  [false, { kind: "set" }], [false, { kind: "topup" }], [false, { kind: "approve", amount: "5" }], [false, { kind: "topup", amount: "9223372036854775808" }], [false, { kind: "reset", by: "somebody else" }],
])("an adjustment is %s for %j", (isFit, wish) => {
  expect(adjustmentWish.safeParse(wish).success).toBe(isFit);
});
