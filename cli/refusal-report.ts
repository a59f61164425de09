import type { AuditRecord } from "../proxy/operator.ts";
import type { Io } from "./io.ts";
import type { OutputFormat } from "./output-format.ts";
import { oneLine } from "./terminal-text.ts";

export interface RefusalReport {
  /** Sees every audit record of the run, in order. */
  onRecord(record: AuditRecord): void;
  hiddenVariables(names: readonly string[]): void;
  /** A configuration that COMMAND left behind was moved to `path`. Said even if quiet. */
  plantedConfig(path: string): void;
  finish(exitCode: number, auditDirectory: string | null): void;
}

interface Refusal {
  readonly event: "refused";
  readonly requestId: string;
  readonly what: string;
  readonly code: string;
  readonly rule: string | null;
  readonly reason: string;
  readonly hint: string | null;
}

/** At most this many lines: a command that loops on a refused request must not flood the terminal. */
const LINES_LIMIT = 50;

/** Says on standard error what was refused while the command runs, each distinct refusal once, and a summary at the end. */
export function reportRefusals(io: Io, options: { readonly format: OutputFormat; readonly quiet: boolean }): RefusalReport {
  const seen = new Set<string>();
  const counts = { allowed: 0, denied: 0, failed: 0 };
  const json = (value: object) => { io.err(JSON.stringify(value)); };
  return {
    onRecord(record) {
      count(record, counts);
      if (!options.quiet) tellQuestion(record, io, options.format);
      const refusal = refusalOf(record);
      if (refusal === null || options.quiet) return;
      const key = `${refusal.what} ${refusal.code} ${refusal.rule ?? ""}`;
      if (seen.has(key) || seen.size >= LINES_LIMIT) return;
      seen.add(key);
      if (options.format === "json") json(refusal);
      else printRefusal(refusal, io);
    },
    hiddenVariables(names) {
      if (names.length === 0 || options.quiet) return;
      if (options.format === "json") json({ event: "environment", hidden: names });
      else io.err(io.errColors.dim(`weir: kept from the agent's environment: ${names.join(", ")} (sandbox.pass lets one through)`));
    },
    plantedConfig(path) {
      if (options.format === "json") json({ event: "planted-config", path });
      else io.err(`${io.errColors.yellow("weir:")} the command left a weir.yaml, which the next run would obey; it is now ${path}`);
    },
    finish(exitCode, auditDirectory) {
      if (options.format === "json") json({ event: "finished", exitCode, ...counts, auditDirectory });
    },
  };
}

function count(record: AuditRecord, counts: { allowed: number; denied: number; failed: number }): void {
  if (record.kind === "exchange" && record.phase === "closed") counts[record.outcome] += 1;
  if (record.kind === "connection" && record.phase === "closed" && record.exchanges === 0) counts[record.outcome] += 1;
}

/** A request waits for a person: whoever looks at this terminal may be the one. */
function tellQuestion(record: AuditRecord, io: Io, format: OutputFormat): void {
  if (record.kind !== "lifecycle" || record.event !== "approval.asked") return;
  const { approval, method, host, port, path, rule, reason } = record.fields;
  if (format === "json") return io.err(JSON.stringify({ event: "asked", approval, method: method ?? null, host, port, path: path ?? null, rule, reason }));
  const what = method === undefined ? `connection to ${host}:${port}` : `${method} ${host}${port === 443 ? "" : `:${port}`}${path ?? ""}`;
  io.err(`${io.errColors.yellow("weir: waits for a person")} ${oneLine(what)} ${io.errColors.dim(`[${oneLine(String(rule))}]`)} ${oneLine(String(reason))}`);
  io.err(io.errColors.dim(`      in another terminal: weir approvals allow ${String(approval).slice(0, 12)}   (or deny, or watch)`));
}

function refusalOf(record: AuditRecord): Refusal | null {
  if (record.kind === "lifecycle" || record.outcome !== "denied" || record.error === null) return null;
  if (record.kind !== "name" && record.phase !== "closed") return null;
  return {
    event: "refused",
    requestId: record.kind === "exchange" ? record.exchangeId : record.kind === "connection" ? record.connectionId : record.queryId,
    what: subject(record),
    code: record.error.code,
    rule: record.error.rule ?? null,
    reason: record.error.reason ?? record.error.detail,
    hint: record.error.hint ?? null,
  };
}

function subject(record: Exclude<AuditRecord, { kind: "lifecycle" }>): string {
  if (record.kind === "name") return `DNS ${record.type ?? "query"} ${record.name ?? "(unreadable name)"}`;
  const host = record.host ?? (record.kind === "connection" ? record.dialled?.address : null) ?? "(unknown host)";
  const place = `${host.includes(":") ? `[${host}]` : host}:${record.port ?? "?"}`;
  return record.kind === "exchange" ? `${record.method ?? "request"} ${record.scheme ?? ""}://${place}${record.path ?? ""}` : `connection to ${place}`;
}

function printRefusal(refusal: Refusal, io: Io): void {
  const rule = refusal.rule ?? refusal.code;
  io.err(`${io.errColors.yellow("weir: refused")} ${refusal.what} ${io.errColors.dim(`[${rule}]`)} ${refusal.reason}`);
  if (refusal.hint !== null && refusal.hint !== "") io.err(io.errColors.dim(`      ${refusal.hint}`));
  io.err(io.errColors.dim(`      weir explain ${refusal.requestId}`));
}
