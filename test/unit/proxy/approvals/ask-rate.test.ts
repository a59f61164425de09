import { expect, test } from "vitest";
import { AskRate } from "../../../../proxy/approvals/ask-rate.ts";

test("an agent asks so often a minute, and others are not held up by it", () => {
  let atMs = 0;
  const rate = new AskRate({ nowMs: () => atMs, monotonicMs: () => atMs }, 2);
  expect([rate.take("a"), rate.take("a"), rate.take("a"), rate.take("b")]).toEqual([true, true, false, true]);
  atMs = 29_999;
  expect(rate.take("a")).toBe(false);
  atMs = 30_000;
  expect([rate.take("a"), rate.take("a")]).toEqual([true, false]);
});
