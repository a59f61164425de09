import { explainRecord, type AuditRecord } from "../proxy/operator.ts";
import type { Io } from "./io.ts";
import type { OutputFormat } from "./output-format.ts";

/** Why something in the audit ended as it did, and what would have allowed it. */
export function printRecord(record: AuditRecord, output: OutputFormat, io: Io): void {
  const explanation = explainRecord(record);
  if (output === "json") return io.out(JSON.stringify(explanation, null, 2));
  for (const line of explanation.lines) io.out(line);
}
