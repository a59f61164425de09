import { stringify } from "yaml";
import { ERROR_TABLE } from "../errors.ts";
import type { AuditRecord, ConnectionRecord, ExchangeRecord } from "../model/record.ts";
import { parsePathPattern } from "./patterns.ts";

/** Why something ended as it did, and the smallest change that would have allowed it. */
export interface RecordExplanation {
  readonly outcome: string;
  readonly rule: string | null;
  readonly reason: string;
  readonly hint: string | null;
  /** YAML for `data.yaml` that allows exactly this and nothing more; null where data cannot allow it. */
  readonly entry: string | null;
  /** The same for reading. */
  readonly lines: readonly string[];
}

/** Rules that no entry can overrule. */
const FINAL_RULES = new Set(["addresses.metadata", "addresses.embedded", "names.metadata", "names.hide", "connection.default", "exchange.default", "name.default"]);

/** Explains one record of the audit. Pure; works on records of any age. */
export function explainRecord(record: AuditRecord): RecordExplanation {
  const error = "error" in record ? record.error : null;
  const rule = error?.rule ?? ("decision" in record ? record.decision?.rule : undefined) ?? null;
  const reason = error?.reason ?? (error === null ? "it was allowed" : ERROR_TABLE[error.code].says);
  const hint = error?.hint ?? null;
  const entry = error?.code === "policy.denied" && rule !== null && !FINAL_RULES.has(rule) ? smallestEntry(record) : null;
  const lines = [
    `${subjectOf(record)}: ${record.outcome}`,
    ...(rule === null ? [] : [`rule:    ${rule}`]),
    `reason:  ${reason}`,
    ...(error === null || error.reason !== undefined || error.detail === "" ? [] : [`detail:  ${error.detail}`]),
    ...(hint === null || hint === "" ? [] : [`hint:    ${hint}`]),
    ...maskedLines(record),
    ...(entry === null ? [] : ["", "The smallest entry of data.yaml that allows it (unless an entry with `effect: deny` stands against it):", ...entry.trimEnd().split("\n")]),
  ];
  return { outcome: record.outcome, rule, reason, hint, entry, lines };
}

/** What a destination showed of lent secrets, which the agent did not see. */
function maskedLines(record: AuditRecord): string[] {
  if (record.kind !== "exchange") return [];
  return record.redactions.map(({ reference, place, count }) => {
    const where = place === "frame" ? "WebSocket frames" : `the ${place}`;
    return `masked:  ${reference}, ${count === 1 ? "once" : `${count} times`} in ${where} of the answer`;
  });
}

function subjectOf(record: AuditRecord): string {
  switch (record.kind) {
    case "exchange": return `${record.method ?? "?"} ${record.scheme ?? "?"}://${record.host ?? "?"}${withPort(record)}${record.path ?? ""}`;
    case "connection": return `connection to ${record.host ?? "an unknown destination"}${record.port === null ? "" : ` port ${record.port}`}`;
    case "name": return `name ${record.name ?? "?"} (${record.type ?? "?"})`;
    case "lifecycle": return record.event;
  }
}

function withPort({ scheme, port }: ExchangeRecord): string {
  const isUsual = port === null || (scheme === "https" && port === 443) || (scheme === "http" && port === 80);
  return isUsual ? "" : `:${port}`;
}

function smallestEntry(record: AuditRecord): string | null {
  if (record.kind !== "exchange" && record.kind !== "connection") return null;
  if (record.host === null || record.port === null) return null;
  const isAddress = /^[0-9.]+$|:/.test(record.host);
  const agents = record.agent === null ? {} : { agents: [`${record.agent.namespace}/${record.agent.name}`] };
  const need = record.kind === "exchange" ? exchangeNeed(record) : connectionNeed(record);
  if (isAddress) return stringify({ addresses: [{ cidr: `${record.host}/${record.host.includes(":") ? 128 : 32}`, ports: [record.port], ...need, ...agents }] });
  return stringify({ hosts: [{ name: record.host, ...(record.port === 443 ? {} : { ports: [record.port] }), ...need, ...agents }] });
}

function exchangeNeed(record: ExchangeRecord): Record<string, unknown> {
  const reads = record.method === "GET" || record.method === "HEAD";
  const path = pathEntry(record.path);
  return {
    ...(record.scheme === "http" ? { schemes: ["http"] } : {}),
    ...(reads || record.method === null ? {} : { methods: [record.method] }),
    ...(path === null ? {} : { paths: [path] }),
    ...(record.error?.hint?.includes("websocket: true") === true ? { websocket: true } : {}),
  };
}

function connectionNeed(record: ConnectionRecord): Record<string, unknown> {
  if (record.wire === "opaque") return { handling: "tunnel" };
  if (record.wire === "postgres") return { handling: "postgres", databases: [record.session?.database ?? "NAME"], grants: ["GRANT"] };
  return record.wire === "http" ? { schemes: ["http"] } : {};
}

/** The path as data.yaml writes it, decoded; null where it cannot be written there. */
function pathEntry(path: string | null): string | null {
  if (path === null) return null;
  try {
    const decoded = decodeURIComponent(path);
    if (decoded.includes("*")) return null;
    parsePathPattern(decoded);
    return decoded;
  } catch {
    return null;
  }
}
