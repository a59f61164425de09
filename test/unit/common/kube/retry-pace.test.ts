import { expect, test } from "vitest";
import { RetryPace } from "../../../../common/kube/retry-pace.ts";

test("a thousand who lost the same server come back spread over a second", () => {
  const pauses = Array.from({ length: 1_000 }, () => new RetryPace().next(60_000));
  expect(Math.min(...pauses)).toBeLessThan(100);
  expect(Math.max(...pauses)).toBeGreaterThan(900);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(1_000);
});

test("a pause is never longer than half a minute and never shorter than half of what it is due", () => {
  for (const random of [0, 0.999]) {
    const pace = new RetryPace(() => random);
    const pauses = Array.from({ length: 40 }, () => pace.next(0));
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000);
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(15_000);
  }
});
