import { describe, expect, test } from "vitest";
import { readCoverage } from "../../../../proxy/policy/rego-coverage.ts";

const at = (row: number) => ({ row, col: 1 });

describe("coverage of Rego", () => {
  test("is of one's own sources, without tests and library", () => {
    const report = JSON.stringify({
      files: {
        "policy/a.rego": { covered_lines: 3, not_covered: [{ start: at(4), end: at(4) }, { start: at(4), end: at(4) }], not_covered_lines: 1, coverage: 75 },
        "policy/a_test.rego": { covered_lines: 9, coverage: 100 },
        "library/hosts.rego": { not_covered: [{ start: at(1), end: at(90) }], coverage: 0 },
      },
      coverage: 12,
    });
    expect(readCoverage(report, "policy/")).toEqual({ percent: 75, files: [{ file: "a.rego", coveredLines: 3, missedLines: [4] }] });
  });

  test("is whole where there is nothing to reach, and an error where it is no report", () => {
    expect(readCoverage('{"files": {}}', "policy/").percent).toBe(100);
    expect(() => readCoverage("{}", "policy/")).toThrow("files");
  });
});
