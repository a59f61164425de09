import { printFacts, printTable } from "../table.ts";
import type { Io } from "../io.ts";
import type { BudgetView, CountView } from "./budget-view.ts";
import { shortAmount } from "./read-amount.ts";

const BAR = 10;
const HEADINGS = ["METER", "WINDOW", "LIMIT", "SPENT", "HELD", "LEFT", "%", "RESETS"];

/** One line for each budget, with its fullest count. */
export function printBudgets(views: readonly BudgetView[], io: Io, nowMs: number): void {
  printTable(["BUDGET", ...HEADINGS, "FOR"], views.map((view) => {
    const [fullest, ...others] = view.counts;
    const who = others.length === 0 ? fullest.who : `${fullest.who} and ${others.length} more`;
    return [view.budget, ...cells(view, fullest, io, nowMs), who];
  }), io);
}

/** One budget with each of its counts, and what was changed by hand. */
export function printBudget(view: BudgetView, io: Io, nowMs: number): void {
  const [first] = view.counts;
  printFacts([["Budget", view.budget], ["Meter", view.meter], ["Window", view.window === "total" || view.window === "thread" ? view.window : `${view.window}, ${view.timezone}`]], io);
  const { configuredLimit } = first;
  if (configuredLimit !== null) printFacts([["Set by hand", `the configured limit is ${shortAmount(view.meter, configuredLimit)}`]], io);
  io.out("");
  printTable(["FOR", ...HEADINGS], view.counts.map((count) => [count.who, ...cells(view, count, io, nowMs)]), io);
  for (const count of view.counts) for (const note of notes(view, count)) io.out(`${count.who}: ${note}`);
}

/** For `-o json`: amounts as exact texts, in units of the meter, `usd` in nano-dollars. */
export function budgetJson(views: readonly BudgetView[]): object {
  return JSON.parse(JSON.stringify({ budgets: views }, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value))) as object;
}

function cells({ meter, window }: BudgetView, count: CountView, io: Io, nowMs: number): string[] {
  const amount = (value: bigint) => shortAmount(meter, value);
  return [
    meter, window, amount(count.limit), amount(count.spent + count.lost), amount(count.held), amount(count.left),
    io.isTerminal ? `${bar(count.percent)} ${count.percent}` : String(count.percent), count.key === null ? "-" : resets(count.resetsAtMs, nowMs),
  ];
}

function bar(percent: number): string {
  const full = Math.min(BAR, Math.floor(percent * BAR / 100));
  return `${"█".repeat(full)}${"░".repeat(BAR - full)}`;
}

/** In the largest unit of which there are two or more, and when. */
function resets(atMs: number | null, nowMs: number): string {
  if (atMs === null) return "never";
  const leftMs = Math.max(0, atMs - nowMs);
  const [unit, unitMs] = ([["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000]] as const).find(([, ms]) => leftMs >= 2 * ms) ?? ["s", 1_000];
  return `in ${Math.ceil(leftMs / unitMs)}${unit}`;
}

function notes({ budget, meter }: BudgetView, { estimated, lost, topUp, waitsAtPercent }: CountView): string[] {
  return [
    ...(waitsAtPercent === null ? [] : [`waits at ${waitsAtPercent} % for a person: weir budget approve ${budget}`]),
    ...(topUp === 0n ? [] : [`${shortAmount(meter, topUp)} of the limit were added for this window`]),
    ...(estimated === 0n ? [] : [`${shortAmount(meter, estimated)} of what is spent are estimates`]),
    ...(lost === 0n ? [] : [`${shortAmount(meter, lost)} are held by a proxy that no longer answers, and count as spent`]),
  ];
}
