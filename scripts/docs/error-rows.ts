import { ERROR_TABLE } from "../../proxy/errors.ts";

const MARKED = /(<!-- errors:[^\n]*-->\n)[\s\S]*?(<!-- end of errors -->)/;

/** ARCHITECTURE.md with its error table as proxy/errors.ts has it. */
export function withErrorTable(document: string): string {
  const rows = Object.entries(ERROR_TABLE).map(([code, entry]) => `| \`${code}\` | ${entry.status} | ${entry.outcome} | ${entry.says} |`);
  const table = ["", "| code | status | outcome | what the agent reads |", "|---|---|---|---|", ...rows, "", ""].join("\n");
  return document.replace(MARKED, (_all, begin: string, end: string) => `${begin}${table}${end}`);
}
