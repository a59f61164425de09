import { explainRecord, type AuditRecord, type DecisionExplanation, type PersonAsked } from "../proxy/operator.ts";
import { detailLines } from "./explain-details.ts";
import type { Io } from "./io.ts";
import type { OutputFormat } from "./output-format.ts";
import { oneLine } from "./terminal-text.ts";

interface Printed {
  readonly output: OutputFormat;
  /** What the policy says of it when it is asked again. */
  readonly details?: DecisionExplanation | null;
  /** Whom the policy asks about it; undefined where there was no policy to look at. */
  readonly asked?: PersonAsked | null | undefined;
  readonly advice?: readonly string[];
}

/** Why something in the audit ended as it did, and what would have allowed it. */
export function printRecord(record: AuditRecord, { output, details = null, asked, advice = [] }: Printed, io: Io): void {
  const explanation = explainRecord(record, asked);
  if (output === "json") return io.out(JSON.stringify(details === null ? explanation : { ...explanation, details, advice }, null, 2));
  for (const line of [...explanation.lines, ...advice.map((text) => `pack:    ${oneLine(text)}`), ...(details === null ? [] : detailLines(details))]) io.out(line);
}
