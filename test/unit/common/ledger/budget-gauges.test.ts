import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { observeBudgets } from "../../../../common/ledger/budget-gauges.ts";
import { LedgerUnavailable, type Standing } from "../../../../common/ledger/ledger-store.ts";
import { standing } from "../../../support/budget-book.ts";

function stage(standings: () => Promise<readonly Standing[]>): { readonly shown: () => Promise<string>; readonly reads: () => number } {
  const registry = new Registry();
  let reads = 0;
  observeBudgets(registry, {
    standings: async () => {
      reads += 1;
      return standings();
    },
  });
  return { shown: async () => registry.metrics(), reads: () => reads };
}

describe("budgets, as metrics", () => {
  test("show limit, spent, held and lost, how near the limit is, and when the window begins and ends, in one reading", async () => {
    const { shown, reads } = stage(async () => [standing({ lost: 1_000_000_000n, waitsAtPercent: 80, settled: 4_000_000_000n })]);
    const body = await shown();
    const values = { limit: 20, spent: 4, held: 1, lost: 1, share: 0.25, window_start_timestamp_seconds: 0, window_end_timestamp_seconds: 86_400, waiting: 1 };
    for (const [name, value] of Object.entries(values)) expect(body).toContain(`weir_budget_${name}{budget="team-a",meter="usd",namespace=""} ${value}\n`);
    expect(reads()).toBe(1);
  });

  test("show no end for a window that has none", async () => {
    const body = await stage(async () => [standing({ windowEndMs: null })]).shown();
    expect(body).toContain("weir_budget_limit{");
    expect(body).not.toContain("weir_budget_window_end_timestamp_seconds{");
  });

  test("are absent while the ledger does not answer: an old number would look like a new one", async () => {
    expect(await stage(async () => { throw new LedgerUnavailable("no answer"); }).shown()).not.toContain("weir_budget_limit{");
  });

  test("are bounded, however many budgets there are", async () => {
    const many = Array.from({ length: 1_200 }, (_, index) => {
      const one = standing();
      return { ...one, account: { ...one.account, budget: `b${index}` } };
    });
    expect((await stage(async () => many).shown()).match(/^weir_budget_limit\{/gm)).toHaveLength(1_000);
  });
});
