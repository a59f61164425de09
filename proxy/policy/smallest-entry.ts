import type { AuditRecord, ConnectionRecord, ExchangeRecord } from "../model/record.ts";
import type { ProposedEntry } from "./entry-opens.ts";
import { parsePathPattern } from "./patterns.ts";
import { withPerson, type PersonAsked } from "./person-asked.ts";
import { readingNeed, type KeptInput } from "./reading-need.ts";

/** Rules that no entry can overrule. */
export const FINAL_RULES: ReadonlySet<string> = new Set([
  "addresses.metadata", "addresses.embedded", "names.metadata", "names.hide", "connection.default", "exchange.default", "name.default", "agents.unknown", "grants.not-held",
  "read.parts",
]);

/** Data of which one entry is all: `hosts` or `addresses` of `data.yaml`. */
export type EntryData = { readonly hosts: readonly [Readonly<Record<string, unknown>>] } | { readonly addresses: readonly [Readonly<Record<string, unknown>>] };

/** The one entry of the data. */
export function entryOf(data: EntryData): ProposedEntry {
  return "hosts" in data ? data.hosts[0] : data.addresses[0];
}

/**
 * The entry that covers what a record tells of and as little else as can be written; null where no entry can.
 * @param asked the person whom it would go past
 */
export function smallestEntry(record: AuditRecord, asked: PersonAsked | null = null): EntryData | null {
  if (record.kind !== "exchange" && record.kind !== "connection") return null;
  if (record.host === null || record.port === null) return null;
  const need = record.kind === "exchange" ? exchangeNeed(record) : connectionNeed(record);
  if (need === null) return null;
  const agents = record.agent === null ? {} : { agents: [`${record.agent.namespace}/${record.agent.name}`] };
  const isAddress = /^[0-9.]+$|:/.test(record.host);
  const place = isAddress ? { cidr: `${record.host}/${record.host.includes(":") ? 128 : 32}`, ports: [record.port] } : { name: record.host, ...(record.port === 443 ? {} : { ports: [record.port] }) };
  const entry = withPerson({ ...place, ...need, ...agents }, asked);
  if (entry === null) return null;
  return isAddress ? { addresses: [entry] } : { hosts: [entry] };
}

function exchangeNeed(record: ExchangeRecord): Record<string, unknown> | null {
  const { input: kept = {}, redacted = [] } = record.decision?.input ?? {};
  const input = kept as KeptInput;
  const need = readingNeed(input, redacted);
  if (need === null) return null;
  const path = input.grpc === undefined ? pathEntry(record.path) : null;
  return {
    ...(record.scheme === "http" ? { schemes: ["http"] } : {}),
    // Of Git, every operation is a GET and a POST below the repository; of gRPC the path is the method.
    ...(input.git === undefined ? { ...(record.method === null ? {} : { methods: [record.method] }), ...(path === null ? {} : { paths: [path] }) } : { methods: ["GET", "POST"] }),
    ...(record.error?.hint?.includes("websocket: true") === true ? { websocket: true } : {}),
    ...need,
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
    // A slash that was kept inside a segment is written as it came.
    const decoded = path.split(/%2f/i).map(decodeURIComponent).join("%2F");
    if (decoded.includes("*")) return null;
    parsePathPattern(decoded);
    return decoded;
  } catch {
    return null;
  }
}
