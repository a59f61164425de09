import * as z from "zod";

/** One file of Rego: how much of it a test reached. */
export interface FileCoverage {
  readonly file: string;
  readonly coveredLines: number;
  /** Numbers of the lines that no test reached. */
  readonly missedLines: readonly number[];
}

export interface RegoCoverage {
  /** Of the lines that can be reached, in percent. */
  readonly percent: number;
  readonly files: readonly FileCoverage[];
}

const place = z.object({ row: z.int() });
const report = z.object({
  files: z.record(z.string(), z.object({ covered_lines: z.int().default(0), not_covered: z.array(z.object({ start: place, end: place })).default([]) })),
});

/**
 * Reads what `opa test --coverage` says of the sources below a folder; the library's own and tests are left out.
 * @param json its output @param folder with a slash at its end; taken off the names @throws Error if it is something else
 */
export function readCoverage(json: string, folder: string): RegoCoverage {
  const { files } = report.parse(JSON.parse(json));
  const own = Object.entries(files).filter(([path]) => path.startsWith(folder) && !path.endsWith("_test.rego")).map(([path, found]) => ({
    file: path.slice(folder.length),
    coveredLines: found.covered_lines,
    missedLines: [...new Set(found.not_covered.flatMap(({ start, end }) => Array.from({ length: end.row - start.row + 1 }, (_, index) => start.row + index)))].sort((a, b) => a - b),
  }));
  const covered = own.reduce((sum, { coveredLines }) => sum + coveredLines, 0);
  const missed = own.reduce((sum, { missedLines }) => sum + missedLines.length, 0);
  return { percent: covered + missed === 0 ? 100 : (100 * covered) / (covered + missed), files: own };
}
