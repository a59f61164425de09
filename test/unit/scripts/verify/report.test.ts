import { describe, expect, test } from "vitest";
import { judge, runTiers } from "../../../../scripts/verify/report.ts";
import type { TierResult } from "../../../../scripts/verify/tiers.ts";

const result = (over: Partial<TierResult>): TierResult => ({ passed: 0, failed: 0, skipped: [], note: "", output: "", ...over });

describe("judge", () => {
  test("fails a tier in which nothing ran", () => {
    expect(judge(result({}), false).failed).toBe(1);
  });

  test("lets a test be left out on a machine that cannot run it", () => {
    expect(judge(result({ passed: 1, skipped: ["needs root"] }), false).failed).toBe(0);
  });

  test("counts the same as failed under CI", () => {
    expect(judge(result({ passed: 1, skipped: ["needs root"] }), true).failed).toBe(1);
  });
});

describe("runTiers", () => {
  const tier = (name: string, of: Partial<TierResult>) => ({ name, run: async () => result(of) });

  test("ends with exactly the sum, as its last line", async () => {
    const lines: string[] = [];
    const code = await runTiers([tier("one", { passed: 2 }), tier("two", { passed: 3 })], (line) => lines.push(line));
    expect([lines.at(-1), code]).toEqual(["5 passed, 0 failed", 0]);
  });

  test("goes on after a failure, shows its output and ends with 1", async () => {
    const lines: string[] = [];
    const code = await runTiers([tier("one", { failed: 1, output: "the reason" }), tier("two", { passed: 3 })], (line) => lines.push(line));
    expect([lines.at(-1), code]).toEqual(["3 passed, 1 failed", 1]);
    expect(lines).toContain("    the reason");
  });
});
