import type { OutgoingRecord } from "./audit-sink.ts";

/** Facility 13, log audit (RFC 5424 §6.2.1). */
const FACILITY_AUDIT = 13;
/** RFC 5424 severity for OCSF severity_id 1 to 6: informational, notice, warning, error, critical, alert. */
const SEVERITY = [6, 6, 5, 4, 3, 2, 1];
/** Largest `sequenceId` (RFC 5424 §7.3.1); the number then begins again at 1. */
const SEQUENCE_ID_LIMIT = 2_147_483_647;

/** Who speaks, as RFC 5424 header fields. */
export interface SyslogOrigin {
  readonly hostname: string;
  readonly appName: string;
  readonly procId: string;
}

/**
 * One record as an RFC 5424 message in an RFC 5425 §4.3 frame: `MSG-LEN SP SYSLOG-MSG`, the length in bytes. The message is the stored JSON
 * unchanged and without a byte order mark (MSG-ANY of §6.4), so that a receiver can check its hash.
 */
export function formatFrame(record: OutgoingRecord, origin: SyslogOrigin): Buffer {
  const priority = FACILITY_AUDIT * 8 + (SEVERITY[record.severityId] ?? 6);
  const header = [
    `<${priority}>1`,
    new Date(record.timeMs).toISOString(),
    headerField(origin.hostname, 255),
    headerField(origin.appName, 48),
    headerField(origin.procId, 128),
    "audit",
    structuredData("meta", { sequenceId: String(record.sequence % SEQUENCE_ID_LIMIT + 1) }),
  ].join(" ");
  const message = Buffer.from(`${header} ${record.json}`);
  return Buffer.concat([Buffer.from(`${message.length} `), message]);
}

/** One SD-ELEMENT; `"`, `\` and `]` in values are escaped (§6.3.3). */
export function structuredData(id: string, params: Readonly<Record<string, string>>): string {
  const text = Object.entries(params).map(([name, value]) => ` ${name}="${value.replaceAll(/["\\\]]/g, (character) => `\\${character}`)}"`).join("");
  return `[${id}${text}]`;
}

/** Printable ASCII without space, no longer than the RFC allows; `-` if nothing is left. */
export function headerField(value: string, limit: number): string {
  return value.replaceAll(/[^\x21-\x7e]/g, "").slice(0, limit) || "-";
}
