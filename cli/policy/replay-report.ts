import { CHANGES, type ReplayReport } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import type { OutputFormat } from "../output-format.ts";
import { oneLine } from "../terminal-text.ts";

/** Names of rules, agents and reasons that a line of text shows. */
const SHOWN = 8;

/** Prints what another policy would have decided. */
export function printReplay(report: ReplayReport, output: OutputFormat, io: Io): void {
  if (output === "json") return io.out(JSON.stringify(report, null, 2));
  for (const line of reportLines(report)) io.out(oneLine(line));
}

function reportLines({ revision, basis, decisions, unchanged, otherRule, newly, uncertain, withoutInput }: ReplayReport): string[] {
  const changes = CHANGES.map((change) => `newly ${change} ${newly[change].total}`).join(", ");
  return [
    `Of ${decisions} decisions, policy ${revision} would ${changes}; unchanged ${unchanged}${otherRule === 0 ? "" : ` (${otherRule} by another rule)`}.`,
    ...(uncertain.total === 0 ? [] : [`uncertain: ${uncertain.total} (${counted(uncertain.reasons)}), such as ${uncertain.examples.join(", ")}`]),
    ...(withoutInput === 0 ? [] : [`not replayed: ${withoutInput} whose record has no input (older, or audit.policyInput: none)`]),
    ...(uncertain.total === 0 ? [] : [`known of the policy: ${basis}`]),
    ...CHANGES.filter((change) => newly[change].total > 0).flatMap((change) => [
      "", `newly ${change}:`, `  rules:  ${counted(newly[change].rules)}`, `  agents: ${counted(newly[change].agents)}`,
      ...newly[change].examples.map(({ id, agent, subject, from, to }) => `  ${id}  ${agent}  ${subject}: ${from.verdict} (${from.rule}) -> ${to.verdict} (${to.rule})`),
    ]),
  ];
}

function counted(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts);
  const shown = entries.slice(0, SHOWN).map(([name, count]) => `${name} ${count}`);
  return [...shown, ...(entries.length > SHOWN ? [`and ${entries.length - SHOWN} more`] : [])].join(", ");
}
