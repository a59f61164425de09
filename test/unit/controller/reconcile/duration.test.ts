import { expect, test } from "vitest";
import { durationMs } from "../../../../controller/reconcile/duration.ts";

test.each([["5m", 300_000], ["1h30m", 5_400_000], ["250ms", 250], ["1.5s", 1_500], ["2m", 120_000], ["1h0m0.5s", 3_600_500]])("%s is %d milliseconds", (text, wanted) => {
  expect(durationMs(text)).toBe(wanted);
});
