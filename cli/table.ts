import type { Io } from "./io.ts";
import { oneLine } from "./terminal-text.ts";

/** Prints rows under headings, in columns as wide as their widest cell. What is in a cell may come from anybody. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[], io: Io): void {
  const safe = rows.map((row) => row.map(oneLine));
  const widths = headings.map((heading, column) => Math.max(heading.length, ...safe.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  io.out(io.colors.bold(line(headings)));
  for (const row of safe) io.out(line(row));
}

/** Prints facts, one a line, as `name:  value`. */
export function printFacts(facts: readonly (readonly [string, string])[], io: Io): void {
  const width = Math.max(0, ...facts.map(([name]) => name.length)) + 1;
  for (const [name, value] of facts) io.out(`${`${name}:`.padEnd(width)} ${oneLine(value)}`);
}
