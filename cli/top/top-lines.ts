import { formatUsd, NANO_USD } from "../../common/money.ts";
import { fitted } from "../terminal-text.ts";
import type { TopRow } from "./rates.ts";

const HEADINGS = ["AGENT", "THREAD", "REQ/S", "TOK/S", "USD/H", "SPENT", "TOKENS", "REQUESTS", "REFUSED", "OPEN", "MODEL"] as const;
/** Columns of numbers stand at the right. */
const FIRST_NUMBER = 2;
const LAST_NUMBER = 9;

/** What one sample comes to, for a screen. Every line fits its width. */
export interface TopPage {
  /** What all of them come to. */
  readonly summary: string;
  readonly headings: string;
  readonly lines: readonly string[];
  readonly notes: readonly string[];
}

/** Lays rows out. @param width in characters */
export function topPage(rows: readonly TopRow[], troubles: readonly string[], width: number): TopPage {
  const cells = rows.map(cellsOf);
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => fitted(row.map((cell, column) => (
    column >= FIRST_NUMBER && column <= LAST_NUMBER ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
  )).join("  ").trimEnd(), width);
  return { summary: fitted(summary(rows), width), headings: line(HEADINGS), lines: cells.map(line), notes: troubles.map((trouble) => fitted(`not heard: ${trouble}`, width)) };
}

/** For `-o json`: money and tokens exactly, as texts; rates as numbers. */
export function topJson(rows: readonly TopRow[], troubles: readonly string[]): object {
  return { rows: rows.map(({ nanoUsd, tokens, ...row }) => ({ ...row, tokens: String(tokens), nanoUsd: String(nanoUsd) })), troubles };
}

function summary(rows: readonly TopRow[]): string {
  const sum = (amount: (row: TopRow) => number) => rows.reduce((all, row) => all + amount(row), 0);
  const spent = rows.reduce((all, { nanoUsd }) => all + nanoUsd, 0n);
  return `${rows.length} active · ${rate(sum(({ requestsPerSecond }) => requestsPerSecond))} requests/s · ${rate(sum(({ tokensPerSecond }) => tokensPerSecond))} tokens/s`
    + ` · $${sum(({ usdPerHour }) => usdPerHour).toFixed(2)} an hour · $${cents(spent)} since the proxies started`;
}

function cellsOf(row: TopRow): string[] {
  return [
    row.agent, row.thread ?? "-", rate(row.requestsPerSecond), rate(row.tokensPerSecond), row.usdPerHour.toFixed(2), `$${cents(row.nanoUsd)}`, String(row.tokens), String(row.requests),
    String(row.refusals), row.open === null ? "-" : String(row.open), row.model === "" ? "-" : row.model,
  ];
}

function rate(perSecond: number): string {
  return perSecond >= 100 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** Rounded up to a hundredth of a cent: what was spent is never shown as nothing. */
function cents(nano: bigint): string {
  const step = NANO_USD / 10_000n;
  return formatUsd((nano + step - 1n) / step * step);
}
