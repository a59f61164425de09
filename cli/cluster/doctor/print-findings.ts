import type { Io } from "../../io.ts";
import type { OutputFormat } from "../../output-format.ts";
import { oneLine } from "../../terminal-text.ts";
import type { ClusterFinding, FindingState } from "./finding.ts";

/** Longer names push their own text aside, not everybody's. */
const NAME_WIDTH = 20;

/** One line for each finding, with what to do below it where there is something to do, and a summary. */
export function printFindings(findings: readonly ClusterFinding[], format: OutputFormat, io: Io): void {
  if (format === "json") {
    io.out(JSON.stringify({ findings }, null, 2));
    return;
  }
  const marks: Record<FindingState, string> = { ok: io.colors.green("ok  "), warn: io.colors.yellow("warn"), fail: io.colors.red("FAIL") };
  const width = Math.min(NAME_WIDTH, Math.max(...findings.map(({ name }) => name.length)));
  for (const { name, state, detail, fix } of findings) {
    io.out(`${marks[state]} ${oneLine(name).padEnd(width)}  ${oneLine(detail)}`);
    if (state !== "ok") io.out(`     ${" ".repeat(width)}  mend: ${oneLine(fix)}`);
  }
  const count = (state: FindingState) => findings.filter((one) => one.state === state).length;
  io.out(`\n${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} broken`);
}
