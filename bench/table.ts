import type { Result } from "./summary.ts";

type Column = readonly [title: string, cell: (result: Result) => string];

const COLUMNS: readonly Column[] = [
  ["proxy", (result) => result.proxy],
  ["CPU us", (result) => text(result.cpuMicrosPerRequest)],
  ["min", (result) => text(result.cpuMicrosPerRequestMin)],
  ["x nginx", (result) => text(result.ratioToNginx)],
  ["MB/CPU-s", (result) => text(result.megabytesPerCpuSecond)],
  ["added p50 us", (result) => text(result.addedP50Micros)],
  ["RSS MiB", (result) => text(result.residentMiB)],
  ["per s", (result) => text(result.perSecond)],
];

/** The results of one scenario, in columns. */
export function renderTable(results: readonly Result[]): string {
  const [first] = results;
  if (first === undefined) return "";
  const rows = [COLUMNS.map(([title]) => title), ...results.map((result) => COLUMNS.map(([, cell]) => cell(result)))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("   ");
  return [`${first.scenario}: CPU for each ${first.unit}, median of ${first.rounds} rounds`, ...rows.map((row) => `  ${line(row)}`), ""].join("\n");
}

function text(value: number | null): string {
  return value === null ? "-" : String(value);
}
