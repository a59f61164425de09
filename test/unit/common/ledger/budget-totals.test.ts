import { describe, expect, test } from "vitest";
import { budgetTotals } from "../../../../common/ledger/budget-totals.ts";
import { standing } from "../../../support/budget-book.ts";

describe("budgets, added up for metrics", () => {
  test("are dollars, with the share of the limit that is spent or lost", () => {
    expect(budgetTotals([standing({ settled: 4_500_000_000n, lost: 500_000_000n })])).toEqual([{
      budget: "team-a", meter: "usd", namespace: "", limit: 20, spent: 4.5, held: 1, lost: 0.5, share: 0.25, window: { startMs: 0, endMs: 86_400_000 }, isWaiting: false,
    }]);
  });

  test("are one for each namespace that has counts of its own; the share is that of the fullest count", () => {
    const of = (namespace: string, agent: string, settled: bigint) => standing({ settled }, { scope: "agent", shared: [namespace, agent] });
    const totals = budgetTotals([of("a", "x", 20_000_000_000n), of("a", "y", 0n), of("b", "x", 2_000_000_000n)]);
    expect(totals.map(({ namespace, limit, spent, share }) => [namespace, limit, spent, share])).toEqual([["a", 40, 20, 1], ["b", 20, 2, 0.1]]);
  });

  test("have no window where it does not end, wait where one count waits, and are full at a limit of nothing", () => {
    const [total] = budgetTotals([standing({ windowEndMs: null, limit: 0n, settled: 0n }), standing({ windowEndMs: null, waitsAtPercent: 80 }, { scope: "user", shared: ["ann"] })]);
    expect(total).toMatchObject({ window: null, isWaiting: true, share: 1 });
  });
});
