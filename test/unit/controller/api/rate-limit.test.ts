import { expect, test } from "vitest";
import { RateLimit } from "../../../../controller/api/rate-limit.ts";
import { TestClock } from "../../../support/test-clock.ts";

test("a burst passes, then as many as flow in, and everybody has their own", () => {
  const clock = new TestClock();
  const limit = new RateLimit({ perSecond: 2, burst: 3, clock });
  expect([1, 2, 3].map(() => limit.take("a"))).toEqual([0, 0, 0]);
  expect(limit.take("a")).toBe(1);
  expect(limit.take("b")).toBe(0);
  clock.advance(500);
  expect([limit.take("a"), limit.take("a")]).toEqual([0, 1]);
  clock.advance(3_600_000);
  expect([1, 2, 3, 4].map(() => limit.take("a"))).toEqual([0, 0, 0, 1]);
});

test("to look costs nothing", () => {
  const limit = new RateLimit({ perSecond: 0.1, burst: 1, clock: new TestClock() });
  expect([limit.wait("a"), limit.wait("a"), limit.take("a"), limit.wait("a"), limit.take("a")]).toEqual([0, 0, 0, 10, 10]);
});

test("setting the clock gives nobody anything", () => {
  const clock = new TestClock();
  const limit = new RateLimit({ perSecond: 1, burst: 1, clock });
  limit.take("a");
  clock.jump(86_400_000);
  expect(limit.take("a")).toBe(1);
});
