import { expect, test } from "vitest";
import { WriteBudget } from "../../../../controller/kube/write-budget.ts";
import { TestClock } from "../../../support/test-clock.ts";

const take = (budget: WriteBudget, times: number) => Array.from({ length: times }, () => budget.take()).filter(Boolean).length;

test("so many at once, then so many per second", () => {
  const clock = new TestClock();
  const budget = new WriteBudget(5, 10, clock);
  expect(take(budget, 20)).toBe(10);
  clock.advance(1_000);
  expect(take(budget, 20)).toBe(5);
});

test("a long pause saves up no more than the burst", () => {
  const clock = new TestClock();
  const budget = new WriteBudget(5, 10, clock);
  clock.advance(3_600_000);
  expect(take(budget, 20)).toBe(10);
});

test("parts of one add up", () => {
  const clock = new TestClock();
  const budget = new WriteBudget(0.5, 1, clock);
  expect(budget.take()).toBe(true);
  clock.advance(1_000);
  expect(budget.take()).toBe(false);
  clock.advance(1_000);
  expect(budget.take()).toBe(true);
});
