import { expect, test } from "vitest";
import { threadTimeMs } from "../../../../bench/policy/thread-time.ts";

test("the time that a thread works is counted closely", () => {
  const steps = Array.from({ length: 200 }, () => threadTimeMs());
  const [first = 0, last = 0] = [steps[0], steps.at(-1)];
  expect(new Set(steps).size).toBe(200);
  expect(steps.toSorted((a, b) => a - b)).toEqual(steps);
  expect(last - first).toBeLessThan(1_000);
});
