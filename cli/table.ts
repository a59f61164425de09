import type { Io } from "./io.ts";
import { oneLine, wrapped } from "./terminal-text.ts";

/** Prints rows under headings, in columns as wide as their widest cell. What is in a cell may come from anybody. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[], io: Io): void {
  const safe = rows.map((row) => row.map(oneLine));
  const widths = headings.map((heading, column) => Math.max(heading.length, ...safe.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  io.out(io.colors.bold(line(headings)));
  for (const row of safe) io.out(line(row));
}

/** Prints facts, one a line, as `name:  value`; what a terminal has no room for goes on below its beginning. */
export function printFacts(facts: readonly (readonly [string, string])[], io: Io): void {
  const width = Math.max(0, ...facts.map(([name]) => name.length)) + 2;
  for (const [name, value] of facts) {
    for (const [index, piece] of wrapped(oneLine(value), roomBeside(width, io)).entries()) io.out(`${(index === 0 ? `${name}:` : "").padEnd(width)}${piece}`);
  }
}

/** Fewer columns are no help to anybody. */
const NARROWEST = 20;

/** Columns that are left beside so many; without end where no terminal reads. */
export function roomBeside(columns: number, io: Pick<Io, "columns">): number {
  return Math.max(NARROWEST, (io.columns ?? Number.POSITIVE_INFINITY) - columns);
}
