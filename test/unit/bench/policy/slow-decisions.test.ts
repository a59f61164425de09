import { expect, test } from "vitest";
import { causeOf, CollectionWatch } from "../../../../bench/policy/slow-decisions.ts";

const slow = (workedMs: number) => ({ startedMs: 100, tookMs: 10, workedMs });

test.each([
  ["garbage", 9, [{ startTime: 101, duration: 7 }]],
  ["garbage", 2, [{ startTime: 95, duration: 9 }, { startTime: 105, duration: 3 }]],
  ["waiting", 1, [{ startTime: 80, duration: 15 }]],
  ["waiting", 3, []],
  ["work", 9, [{ startTime: 101, duration: 2 }]],
] as const)("a slow decision is put down to %s, which took most of it", (cause, workedMs, collections) => {
  expect(causeOf(slow(workedMs), collections)).toBe(cause);
});

test("what is collected while decisions are measured is seen", async () => {
  using watch = new CollectionWatch();
  let kept: object[] = [];
  for (let round = 0; round < 200; round += 1) kept = Array.from({ length: 20_000 }, (_, index) => ({ index, round }));
  expect(kept.length).toBe(20_000);
  const seen = await watch.seen();
  expect(seen.length).toBeGreaterThan(0);
});
