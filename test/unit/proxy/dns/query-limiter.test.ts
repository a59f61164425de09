import { expect, test } from "vitest";
import { QueryLimiter } from "../../../../proxy/dns/query-limiter.ts";

function aClock(): { nowMs: () => number; monotonicMs: () => number; advance: (ms: number) => void } {
  let now = 0;
  return { nowMs: () => now, monotonicMs: () => now, advance: (ms) => { now += ms; } };
}

test("a burst is admitted, then as many as the rate allows; a flood is named once until it stops", () => {
  const clock = aClock();
  const limiter = new QueryLimiter(10, 3, clock);
  const ask = (): string => limiter.admit("one");
  expect([ask(), ask(), ask(), ask(), ask()]).toEqual(["admitted", "admitted", "admitted", "floods", "flooding"]);
  clock.advance(100);
  expect([ask(), ask(), ask()]).toEqual(["admitted", "floods", "flooding"]);
  clock.advance(60_000);
  expect([ask(), ask(), ask(), ask()]).toEqual(["admitted", "admitted", "admitted", "floods"]);
});

test("one instance's flood takes nothing from another", () => {
  const limiter = new QueryLimiter(1, 1, aClock());
  expect([limiter.admit("one"), limiter.admit("one"), limiter.admit("two")]).toEqual(["admitted", "floods", "admitted"]);
});
