import { explainRecord, type AuditRecord, type DecisionExplanation } from "../proxy/operator.ts";
import { detailLines } from "./explain-details.ts";
import type { Io } from "./io.ts";
import type { OutputFormat } from "./output-format.ts";

/** Why something in the audit ended as it did, and what would have allowed it. @param details what the policy says of it when it is asked again */
export function printRecord(record: AuditRecord, { output, details = null }: { readonly output: OutputFormat; readonly details?: DecisionExplanation | null }, io: Io): void {
  const explanation = explainRecord(record);
  if (output === "json") return io.out(JSON.stringify(details === null ? explanation : { ...explanation, details }, null, 2));
  for (const line of [...explanation.lines, ...(details === null ? [] : detailLines(details))]) io.out(line);
}
