import { systemClock } from "../../common/clock.ts";
import { explainRecord, type AuditRecord } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import { printFacts } from "../table.ts";
import { oneLine } from "../terminal-text.ts";
import { printConditions } from "./agent-view.ts";
import type { ReachExplanation } from "./explain-reach.ts";
import type { ThreadExplanation } from "./explain-thread.ts";

export function printReach(told: ReachExplanation, io: Io): void {
  io.out(`${told.isAllowed ? io.colors.green("may") : io.colors.red("may not")}  ${oneLine(told.agent)}: ${oneLine(told.request)}`);
  printFacts([
    ["rule", told.rule], ["reason", told.reason], ...(told.hint === "" ? [] : [["hint", told.hint] as const]),
    ...(told.grants.length === 0 ? [] : [["lends", told.grants.join(", ")] as const]),
    ...(told.budgets.length === 0 ? [] : [["charges", told.budgets.join(", ")] as const]),
    ["boundary", told.revision],
  ], io);
  io.out("");
  for (const step of told.steps) io.out(oneLine(step));
  if (told.conditions.length === 0) return;
  io.out("\nOf the Agent:");
  printConditions(told.conditions, io, systemClock.nowMs());
}

export function printThreadExplanation(told: ThreadExplanation, io: Io): void {
  const next = told.nextAttemptAt === null ? "" : `, the next at ${told.nextAttemptAt}`;
  printFacts([
    ["thread", told.thread], ["agent", told.agent], ["phase", `${told.phase}${told.instance === null ? "" : ` in ${told.instance}`}`],
    ["unread", String(told.unread)],
    ["because", `${told.reason}${told.message === "" ? "" : `: ${told.message}`}`], ...(told.hint === "" ? [] : [["mend", told.hint] as const]),
    ...(told.attempts === 0 ? [] : [["failed starts", `${told.attempts} in a row${next}`] as const]),
  ], io);
  if (told.containers.length > 0) io.out("\nContainers that do not run:");
  for (const container of told.containers) io.out(`  ${oneLine(container)}`);
  if (told.agentConditions.length === 0) return;
  io.out("\nOf the Agent:");
  printConditions(told.agentConditions, io, systemClock.nowMs());
}

/** What was refused to a thread, the newest last. */
export function printRefusals(records: readonly AuditRecord[], io: Io): void {
  for (const record of records) {
    const { lines: [what = ""], rule, reason } = explainRecord(record);
    const at = new Date(record.timeMs).toISOString().slice(0, 19);
    io.out(`  ${at}Z  ${idOf(record)}  ${oneLine(what)}${rule === null ? "" : ` [${rule}]`} ${oneLine(reason)}`);
  }
}

function idOf(record: AuditRecord): string {
  switch (record.kind) {
    case "exchange": return record.exchangeId;
    case "connection": return record.connectionId;
    case "name": return record.queryId;
    case "lifecycle": return "-";
  }
}
