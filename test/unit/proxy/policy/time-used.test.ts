import { expect, test } from "vitest";
import { TimeUsed } from "../../../../proxy/policy/time-used.ts";
import { TestClock } from "../../../support/test-clock.ts";

test("time that was used counts half after the half-life, each key for itself", () => {
  const clock = new TestClock();
  const used = new TimeUsed(clock, 1_000);
  used.charge("a", 40);
  clock.advance(1_000);
  used.charge("a", 10);
  expect([used.of("a"), used.of("b")]).toEqual([30, 0]);
  clock.advance(1_000);
  expect(used.of("a")).toBe(15);
});
