import { expect, test } from "vitest";
import { filesUnder, PRODUCT, read } from "./repository.ts";

/** Lines; functions and parameters are counted by the linter (.oxlintrc.json). */
const LIMITS = { product: 250, scripts: 250, bench: 250, demo: 250, test: 500 } as const;

function tooLong(paths: readonly string[], limit: number): string[] {
  return paths.map((path) => ({ path, lines: read(path).trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > limit).map(({ path, lines }) => `${path} has ${lines} lines, ${limit} are allowed`);
}

test("a file can be read in one sitting", () => {
  expect([
    ...tooLong(PRODUCT.flatMap((folder) => filesUnder(folder, ".ts")), LIMITS.product),
    ...tooLong([...filesUnder("scripts", ".ts"), ...filesUnder("scripts", ".mjs")], LIMITS.scripts),
    ...tooLong(filesUnder("bench", ".ts"), LIMITS.bench),
    ...tooLong(filesUnder("demo", ".ts"), LIMITS.demo),
    ...tooLong(filesUnder("test", ".ts"), LIMITS.test),
  ]).toEqual([]);
});

test("a line fits a wide screen", () => {
  const limit = 200;
  /** A setting's text is for docs/configuration.md, where it wraps. */
  const isProse = (line: string) => line.includes(".describe(");
  const paths = [...PRODUCT, "scripts", "bench", "demo"].flatMap((folder) => filesUnder(folder, ".ts"));
  const wide = paths.flatMap((path) => read(path).split("\n").flatMap((line, index) => (line.length > limit && !isProse(line) ? [`${path}:${index + 1} has ${line.length} columns`] : [])));
  expect(wide).toEqual([]);
});
