import { describe, expect, test } from "vitest";
import { viewsOf } from "../../../../cli/budget/budget-view.ts";
import { standing } from "../../../support/budget-book.ts";

describe("how a budget stands, for people", () => {
  test("what is left is what nobody has spent, holds or lost", () => {
    const [view] = viewsOf([standing({ lost: 2_000_000_000n })], []);
    expect(view?.counts[0]).toMatchObject({ who: "all", spent: 5_000_000_001n, held: 1_000_000_000n, lost: 2_000_000_000n, left: 11_999_999_999n, percent: 35 });
  });

  test("a limit that was lowered below what is spent leaves nothing, not less than nothing", () => {
    expect(viewsOf([standing({ limit: 1n })], [])[0]?.counts[0]).toMatchObject({ left: 0n, configuredLimit: 20_000_000_000n });
  });

  test("a top-up is not a limit that was set", () => {
    expect(viewsOf([standing({ limit: 25_000_000_000n, topUp: 5_000_000_000n })], [])[0]?.counts[0].configuredLimit).toBeNull();
  });

  test("counts of several agents are one budget, the fullest first", () => {
    const of = (agent: string, settled: bigint) => standing({ settled }, { scope: "agent", shared: ["local", agent] });
    const [view, ...others] = viewsOf([of("a", 1n), of("b", 20_000_000_000n)], []);
    expect(others).toEqual([]);
    expect(view?.counts.map(({ who, percent }) => [who, percent])).toEqual([["local/b", 100], ["local/a", 0]]);
  });

  test("a configured budget that nobody has used is shown too, and is full at a limit of nothing", () => {
    const configured = [{ budget: "idle", meter: "requests", limit: 0n, window: "hour", timezone: "UTC" } as const];
    expect(viewsOf([standing()], configured).map(({ budget, counts }) => [budget, counts[0].who, counts[0].percent])).toEqual([["idle", "-", 100], ["team-a", "all", 25]]);
    expect(viewsOf([], configured, "other")).toEqual([]);
  });
});
