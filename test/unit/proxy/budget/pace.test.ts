import { describe, expect, test } from "vitest";
import { Pace } from "../../../../proxy/budget/pace.ts";

const MUCH = 10n ** 12n;

describe("what is asked for ahead", () => {
  test("is a little more than is needed at first, and doubles while that is too small", () => {
    const pace = new Pace();
    expect([0, 100, 200, 300].map((atMs) => pace.ahead(10n, MUCH, atMs))).toEqual([20n, 40n, 80n, 160n]);
  });

  test("comes to what is spent in two seconds", () => {
    const pace = new Pace();
    for (let atMs = 0; atMs <= 10_000; atMs += 500) {
      pace.took(500n, atMs);
      pace.measure(atMs);
    }
    const ahead = pace.ahead(1n, MUCH, 20_000);
    expect([ahead > 1_900n, ahead < 2_100n]).toEqual([true, true]);
  });

  test("shrinks as the cap nears, and is nothing where others want what there is", () => {
    const pace = new Pace();
    expect(pace.ahead(100n, 80n, 0)).toBe(10n);
    pace.beModest(1_000);
    expect([pace.ahead(100n, MUCH, 1_000), pace.ahead(100n, MUCH, 6_001)]).toEqual([0n, 200n]);
  });
});
