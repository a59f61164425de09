import { readEnvironment } from "../../common/config.ts";
import type { Tier, TierResult } from "./tiers.ts";

const SHOWN_SKIPS = 12;

/**
 * Runs the tiers in order, a line each, and ends with exactly `N passed, N failed`.
 * A test that this machine cannot run is named; with CI set it counts as failed, because there "skipped" must not look like "passed".
 * @returns the exit code
 */
export async function runTiers(tiers: readonly Tier[], print: (line: string) => void): Promise<number> {
  const isCi = (readEnvironment()["CI"] ?? "") !== "";
  let passed = 0;
  let failed = 0;
  for (const tier of tiers) {
    const startedAtMs = performance.now();
    const result = judge(await tier.run(), isCi);
    passed += result.passed;
    failed += result.failed;
    print(tierLine(tier.name, result, performance.now() - startedAtMs));
    for (const name of result.skipped.slice(0, SHOWN_SKIPS)) print(`    cannot run here: ${name}`);
    if (result.skipped.length > SHOWN_SKIPS) print(`    ... and ${result.skipped.length - SHOWN_SKIPS} more`);
    if (result.failed > 0) print(indented(result.output));
  }
  print(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Nothing at all is never a success: a tier without a test fails, and under CI one that was left out does too. */
export function judge(result: TierResult, isCi: boolean): TierResult {
  if (result.passed + result.failed + result.skipped.length === 0) return { ...result, failed: 1, note: "no tests" };
  return isCi ? { ...result, failed: result.failed + result.skipped.length } : result;
}

function tierLine(name: string, result: TierResult, durationMs: number): string {
  const skipped = result.skipped.length === 0 ? "" : `, ${result.skipped.length} cannot run here`;
  const note = result.note === "" ? "" : `   ${result.note}`;
  const mark = result.failed === 0 ? "ok  " : "FAIL";
  return `${mark} ${name.padEnd(20)} ${`${(durationMs / 1000).toFixed(1)} s`.padStart(8)}   ${result.passed} passed, ${result.failed} failed${skipped}${note}`;
}

function indented(text: string): string {
  return text.trimEnd().split("\n").map((line) => `    ${line}`).join("\n");
}
