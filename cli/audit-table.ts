import type { AuditEntry, AuditRecord } from "../proxy/operator.ts";
import type { Io } from "./io.ts";
import { fitted, oneLine } from "./terminal-text.ts";

const WIDTHS = { time: 12, outcome: 7, agent: 14, what: 44, why: 19 } as const;

/**
 * Prints entries as rows of at most 100 columns; a new day gets a line of its own.
 * @param withIds puts the id that `weir explain` takes behind each row, beyond those columns
 */
export function auditTable(io: Io, withIds = false): (entry: AuditEntry) => void {
  let day = "";
  return ({ record }) => {
    const [date = "", time = ""] = new Date(record.timeMs).toISOString().split("T");
    if (date !== day) io.out(io.colors.dim(`${date} (UTC)`));
    day = date;
    const { what, why, outcome } = describe(record);
    io.out([
      io.colors.dim(time.slice(0, WIDTHS.time)),
      paint(io, outcome)(fit(outcome, WIDTHS.outcome)),
      fit(record.agent?.name ?? "-", WIDTHS.agent),
      fit(what, WIDTHS.what),
      withIds ? fit(why, WIDTHS.why) : oneLine(why).slice(0, WIDTHS.why),
      ...(withIds ? [idOf(record)] : []),
    ].join(" ").trimEnd());
  };
}

function idOf(record: AuditRecord): string {
  switch (record.kind) {
    case "exchange": return record.exchangeId;
    case "connection": return record.connectionId;
    case "name": return record.queryId;
    case "lifecycle": return "";
  }
}

interface Description {
  readonly outcome: string;
  readonly what: string;
  readonly why: string;
}

function describe(record: AuditRecord): Description {
  switch (record.kind) {
    case "exchange": {
      const what = `${record.method ?? "?"} ${record.host ?? "?"}${isUsualPort(record.port) ? "" : `:${record.port}`}${record.path ?? ""}`;
      const outcome = record.phase === "decided" ? "sent" : record.outcome;
      return { outcome, what, why: reason(record, record.status === null ? "" : `${record.status} in ${Math.round(record.durationMs)} ms`) };
    }
    case "connection": {
      const place = record.host ?? record.dialled?.address ?? "?";
      const what = `${record.wire ?? "connection"} ${place}:${record.port ?? record.dialled?.port ?? "?"}`;
      return { outcome: record.phase === "opened" ? "opened" : record.outcome, what, why: reason(record, record.handling ?? "") };
    }
    case "name":
      return { outcome: record.outcome, what: `DNS ${record.type ?? "?"} ${record.name ?? "?"}`, why: reason({ ...record, decision: null }, record.answer ?? "no data") };
    case "lifecycle":
      return { outcome: record.outcome === "failed" ? "failed" : "", what: `${record.event} ${fieldsText(record.fields)}`, why: "" };
  }
}

function reason(record: { readonly error: { readonly code: string; readonly rule?: string } | null; readonly decision: { readonly rule: string } | null }, otherwise: string): string {
  return record.error === null ? otherwise || (record.decision?.rule ?? "") : record.error.rule ?? record.error.code;
}

function fieldsText(fields: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`).join(" ");
}

function isUsualPort(port: number | null): boolean {
  return port === null || port === 443 || port === 80;
}

function paint(io: Io, outcome: string): (text: string) => string {
  if (outcome === "denied") return io.colors.yellow;
  return outcome === "failed" ? io.colors.red : outcome === "allowed" ? io.colors.green : io.colors.dim;
}

function fit(text: string, width: number): string {
  return fitted(text, width).padEnd(width);
}
