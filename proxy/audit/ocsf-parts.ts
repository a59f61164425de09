import { hash } from "node:crypto";
import { isIP } from "node:net";
import { ERROR_TABLE } from "../errors.ts";
import type { RecordedAgent, RecordedDecision, RecordedError } from "../model/record.ts";

const OCSF_VERSION = "1.9.0";
const PROFILES = {
  traffic: ["ai_operation", "record_integrity", "security_control"],
  lifecycle: ["record_integrity"],
} as const;

const ACTION = { unknown: 0, allowed: 1, denied: 2 } as const;
const DISPOSITION = { allowed: 1, denied: 2, failed: 27 } as const;
/** Severity by the level that the error table gives a code; what is allowed is Informational. */
const SEVERITY = { info: 2, warn: 3, error: 4 } as const;
const INFORMATIONAL = 1;

/** Longest value of a lifecycle field, in UTF-16 units: a signed checkpoint and the peaks of a large tree fit. */
const FIELD_LIMIT = 4_096;

export interface Product {
  readonly name: string;
  readonly vendor_name: string;
  readonly version: string;
}

/** Where the event stands: everything in it that is not of the record itself. */
export interface Placement {
  readonly sequence: number;
  readonly uid: string;
  readonly product: Product;
  /** OCSF attestation without its fingerprint: the fingerprint is over the event that has none. */
  readonly attestation: {
    readonly chain_uid: string;
    readonly prev_event: { readonly fingerprint: { readonly algorithm_id: 3; readonly value: string }; readonly uid: string } | undefined;
  };
}

type Outcome = "allowed" | "denied" | "failed";

/**
 * Free text as it is recorded: at most `limit` UTF-16 units. What is longer keeps its beginning and ends with its length and digest, so that a
 * record still says which text it was.
 */
export function clip(value: string | null | undefined, limit: number): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (value.length <= limit) return value;
  const end = `…[${value.length} characters, sha256 ${hash("sha256", value, "hex")}]`;
  return `${value.slice(0, Math.max(0, limit - end.length))}${end}`;
}

/** @param correlationUid what all records of one exchange, connection or query share; the id that the agent was told */
export function metadata(placement: Placement, correlationUid: string | undefined, profiles: keyof typeof PROFILES) {
  return {
    correlation_uid: correlationUid,
    product: placement.product,
    profiles: PROFILES[profiles],
    sequence: placement.sequence,
    uid: placement.uid,
    version: OCSF_VERSION,
  };
}

export function agentParts(agent: RecordedAgent | null) {
  if (agent === null) return {};
  return {
    actor: agent.user === "" ? undefined : { user: { name: agent.user } },
    aiAgent: { instance_uid: agent.instance, name: agent.name, uid: [agent.namespace, agent.name].join("/") },
    chain: agent.chain.length === 0 ? undefined : agent.chain,
    namespace: agent.namespace,
    pod: agent.pod,
    podUid: agent.pod === undefined ? undefined : agent.instance.split("/", 1)[0],
    source: { instance_uid: agent.instance, name: agent.name },
    thread: agent.thread,
  };
}

export type AgentParts = ReturnType<typeof agentParts>;

/** @param host a name or an address literal @param dialledAddress the address that we connected to */
export function endpoint(host: string | null, port: number | null, dialledAddress: string | null) {
  if (host === null) return undefined;
  const isAddress = isIP(host) !== 0;
  return {
    hostname: isAddress ? undefined : clip(host, 255),
    ip: dialledAddress ?? (isAddress ? host : undefined),
    port: port ?? undefined,
  };
}

/**
 * The security control's part. A failure before any decision let nothing pass, so its action is Denied; after an allow the action was Allowed
 * and the disposition says Error.
 */
export function control(record: { readonly outcome: Outcome; readonly decision: RecordedDecision | null; readonly error: RecordedError | null }) {
  const { decision, error, outcome } = record;
  const rule = decision?.rule ?? error?.rule;
  const wasAllowed = outcome === "allowed" || (outcome === "failed" && decision?.allowed === true);
  return {
    actionId: wasAllowed ? ACTION.allowed : ACTION.denied,
    dispositionId: DISPOSITION[outcome],
    rule: rule === undefined ? undefined : { name: clip(rule, 255) },
    policy: decision === null ? undefined : { name: "weir", version: clip(decision.revision, 255) },
  };
}

export function statusOf(outcome: Outcome, error: RecordedError | null) {
  return { status_code: error?.code, status_detail: clip(error?.detail, 512), status_id: outcome === "allowed" ? 1 : 2 };
}

export function severity(outcome: Outcome, error: RecordedError | null): number {
  if (outcome === "allowed") return INFORMATIONAL;
  return SEVERITY[error === null ? "error" : ERROR_TABLE[error.code].level];
}

/**
 * Fields of a lifecycle record with their keys in code-unit order. A key that begins with a digit would be moved to the front by the
 * language, so it gets an underscore.
 */
export function plainFields(fields: Readonly<Record<string, string | number | boolean>>): Record<string, string | number | boolean> {
  const entries = Object.entries(fields).map(([key, value]) => {
    const name = key.replaceAll(/[^A-Za-z0-9_.-]/g, "_").replace(/^(?=\d)|^__proto__$/, "_");
    return [name, typeof value === "string" ? clip(value, FIELD_LIMIT) ?? "" : value] as const;
  });
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
