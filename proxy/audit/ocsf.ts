import type { AuditRecord, ConnectionRecord, ExchangeRecord, LifecycleRecord, NameRecord } from "../model/record.ts";
import { unreachable } from "../../common/unreachable.ts";
import { writtenApproval, writtenInput, writtenPlaces, writtenShadow } from "./ocsf-decision.ts";
import { writtenModelUse } from "./ocsf-model-use.ts";
import { agentParts, clip, control, endpoint, metadata, plainFields, severity, statusOf, type AgentParts, type Placement } from "./ocsf-parts.ts";

/**
 * What is written: an event of the Open Cybersecurity Schema Framework 1.9.0, the first version with `ai_agent` and `attestation_list`.
 * Every object literal in these two files has its keys in code-unit order and no free text as a key, so that `JSON.stringify` of the event is
 * its canonical form (RFC 8785) without sorting anything at run time; test/unit/proxy/audit/ocsf.test.ts holds that against `canonicalize`.
 */
export type OcsfEvent = ReturnType<typeof httpActivity> | ReturnType<typeof networkActivity> | ReturnType<typeof dnsActivity> | ReturnType<typeof applicationLifecycle>;

/** Activities of HTTP Activity (4002); other methods are 99, with their name in `activity_name`. */
const HTTP_ACTIVITY: Readonly<Record<string, number>> = { CONNECT: 1, DELETE: 2, GET: 3, HEAD: 4, OPTIONS: 5, POST: 6, PUT: 7, TRACE: 8, PATCH: 9 };
const OTHER = 99;
const NETWORK_ACTIVITY = { allowed: 2, denied: 5, failed: 4 } as const;
const NETWORK_OPEN = 1;
const DNS_RESPONSE = 2;
/** DNS response codes (RFC 6895) that an outcome is answered with. */
const DNS_RCODE = { allowed: 0, denied: 3, failed: 2 } as const;
const LIFECYCLE_ACTIVITY: Readonly<Record<string, number>> = { "audit.started": 3, "audit.stopped": 4, "proxy.started": 3, "proxy.stopped": 4 };
const DIRECTION_OUTBOUND = 2;

/** An escape of half a surrogate pair, which `JSON.stringify` writes for text that is not well-formed; it may also be innocent text. */
const LONE_SURROGATE = "\\ud";

/** The canonical form of an event (RFC 8785). Text that is not well-formed has none; each half pair in it becomes U+FFFD. */
export function canonicalText(event: OcsfEvent): string {
  const text = JSON.stringify(event);
  if (!text.includes(LONE_SURROGATE)) return text;
  return JSON.stringify(JSON.parse(text, (_key, value: unknown) => (typeof value === "string" ? value.toWellFormed() : value)));
}

/** Maps a record to its event, hash and signature left out. Pure; free text is clipped to a stated length, never dropped. */
export function toOcsf(record: AuditRecord, placement: Placement): OcsfEvent {
  switch (record.kind) {
    case "exchange": return httpActivity(record, placement);
    case "connection": return networkActivity(record, placement);
    case "name": return dnsActivity(record, placement);
    case "lifecycle": return applicationLifecycle(record, placement);
    default: return unreachable(record);
  }
}

function httpActivity(record: ExchangeRecord, placement: Placement) {
  const activity = HTTP_ACTIVITY[record.method ?? ""] ?? (record.method === null ? 0 : OTHER);
  const agent = agentParts(record.agent);
  const { actionId, dispositionId, rule, policy } = control(record);
  const method = clip(record.method, 32);
  return {
    action_id: actionId,
    activity_id: activity,
    activity_name: activity === OTHER ? method : undefined,
    actor: agent.actor,
    ai_agent: agent.aiAgent,
    attestation_list: [placement.attestation],
    category_uid: 4,
    class_uid: 4002,
    connection_info: { direction_id: DIRECTION_OUTBOUND, protocol_num: 6, uid: record.connectionId },
    disposition_id: dispositionId,
    dst_endpoint: endpoint(record.host, record.port, record.upstreamAddress),
    duration: Math.round(record.durationMs),
    firewall_rule: rule,
    http_request: {
      http_method: method,
      uid: record.exchangeId,
      url: { hostname: clip(record.host, 255), path: clip(record.path, 2_048), port: record.port ?? undefined, scheme: record.scheme ?? undefined },
      user_agent: clip(record.userAgent, 256),
      version: record.httpVersion ?? undefined,
    },
    http_response: record.status === null ? undefined : { code: record.status },
    metadata: metadata(placement, record.exchangeId, "traffic"),
    policy,
    severity_id: severity(record.outcome, record.error),
    src_endpoint: agent.source ?? { uid: record.connectionId },
    ...statusOf(record.outcome, record.error),
    time: record.timeMs,
    traffic: { bytes_in: record.usage.responseBytes, bytes_out: record.usage.requestBytes },
    type_uid: 400_200 + activity,
    unmapped: { weir: ownHttp(record, agent) },
  };
}

function ownHttp(record: ExchangeRecord, agent: AgentParts) {
  return {
    agent_chain: agent.chain,
    approval: writtenApproval(record.decision),
    budgets: record.decision?.budgets,
    credentials: record.credentials,
    error_rule: clip(record.error?.rule, 255),
    grants: record.decision?.grants,
    hint: clip(record.error?.hint, 280),
    kind: record.kind,
    mcp_filtered: record.mcpFiltered === undefined ? undefined : { hidden: record.mcpFiltered.hidden, withheld: record.mcpFiltered.withheld.slice(0, 16).map((method) => clip(method, 64)) },
    model_use: record.modelUse === undefined ? undefined : writtenModelUse(record.modelUse),
    namespace: agent.namespace,
    phase: record.phase,
    pod: agent.pod,
    pod_uid: agent.podUid,
    policy_allowed: record.decision?.allowed,
    policy_input: writtenInput(record.decision),
    policy_input_redacted: writtenPlaces(record.decision),
    policy_undecided: record.decision?.undecided,
    query_keys: record.queryKeys.slice(0, 16).map((key) => clip(key, 64)),
    reason: clip(record.error?.reason, 512),
    redactions: record.redactions.length === 0 ? undefined : record.redactions.map(({ reference, place, count }) => ({ count, place, reference })),
    shadow: writtenShadow(record.decision),
    thread: agent.thread,
    unmetered: record.isUnmetered,
  };
}

function networkActivity(record: ConnectionRecord, placement: Placement) {
  const activity = record.phase === "opened" ? NETWORK_OPEN : NETWORK_ACTIVITY[record.outcome];
  const agent = agentParts(record.agent);
  const { actionId, dispositionId, rule, policy } = control(record);
  return {
    action_id: actionId,
    activity_id: activity,
    actor: agent.actor,
    ai_agent: agent.aiAgent,
    attestation_list: [placement.attestation],
    category_uid: 4,
    class_uid: 4001,
    connection_info: { direction_id: DIRECTION_OUTBOUND, protocol_num: 6, uid: record.connectionId },
    disposition_id: dispositionId,
    dst_endpoint: endpoint(record.host, record.port, record.session?.upstreamAddress ?? null),
    duration: Math.round(record.durationMs),
    firewall_rule: rule,
    metadata: metadata(placement, record.connectionId, "traffic"),
    policy,
    severity_id: severity(record.outcome, record.error),
    src_endpoint: agent.source ?? (record.peerAddress === null ? { uid: record.connectionId } : { ip: record.peerAddress }),
    ...statusOf(record.outcome, record.error),
    time: record.timeMs,
    traffic: { bytes_in: record.usage.responseBytes, bytes_out: record.usage.requestBytes },
    type_uid: 400_100 + activity,
    unmapped: { weir: ownNetwork(record, agent) },
  };
}

function ownNetwork(record: ConnectionRecord, agent: AgentParts) {
  const { session } = record;
  return {
    agent_chain: agent.chain,
    application_name: clip(session?.applicationName, 64),
    approval: writtenApproval(record.decision),
    budgets: record.decision?.budgets,
    credentials: session?.credentials,
    database: clip(session?.database, 64),
    dialled: record.dialled === null ? undefined : { address: record.dialled.address, port: record.dialled.port },
    error_rule: clip(record.error?.rule, 255),
    exchanges: record.exchanges,
    grants: record.decision?.grants,
    handling: record.handling ?? undefined,
    hint: clip(record.error?.hint, 512),
    kind: record.kind,
    namespace: agent.namespace,
    peer_address: record.peerAddress ?? undefined,
    phase: record.phase,
    pod: agent.pod,
    pod_uid: agent.podUid,
    policy_allowed: record.decision?.allowed,
    policy_input: writtenInput(record.decision),
    policy_input_redacted: writtenPlaces(record.decision),
    policy_undecided: record.decision?.undecided,
    reason: clip(record.error?.reason, 512),
    server_name: clip(record.serverName, 255),
    shadow: writtenShadow(record.decision),
    sql_user: clip(session?.user, 64),
    thread: agent.thread,
    wire: record.wire ?? undefined,
  };
}

function dnsActivity(record: NameRecord, placement: Placement) {
  const agent = agentParts(record.agent);
  const { actionId, dispositionId, rule, policy } = control({ outcome: record.outcome, decision: record.decision ?? null, error: record.error });
  return {
    action_id: actionId,
    activity_id: DNS_RESPONSE,
    actor: agent.actor,
    ai_agent: agent.aiAgent,
    answers: record.answer === null ? undefined : [{ rdata: record.answer, type: record.type ?? undefined }],
    attestation_list: [placement.attestation],
    category_uid: 4,
    class_uid: 4003,
    connection_info: { direction_id: DIRECTION_OUTBOUND, uid: record.connectionId },
    disposition_id: dispositionId,
    firewall_rule: rule,
    metadata: metadata(placement, record.queryId, "traffic"),
    policy,
    query: record.name === null ? undefined : { hostname: clip(record.name, 1_024), type: clip(record.type, 32) },
    rcode_id: DNS_RCODE[record.outcome],
    severity_id: severity(record.outcome, record.error),
    src_endpoint: agent.source ?? { uid: record.connectionId },
    ...statusOf(record.outcome, record.error),
    time: record.timeMs,
    type_uid: 400_302,
    unmapped: { weir: ownName(record, agent) },
  };
}

function ownName(record: NameRecord, agent: AgentParts) {
  return {
    agent_chain: agent.chain,
    error_rule: clip(record.error?.rule, 255),
    hint: clip(record.error?.hint, 512),
    kind: record.kind,
    namespace: agent.namespace,
    pod: agent.pod,
    pod_uid: agent.podUid,
    policy_allowed: record.decision?.allowed,
    policy_input: writtenInput(record.decision),
    policy_input_redacted: writtenPlaces(record.decision),
    reason: clip(record.error?.reason, 512),
    shadow: writtenShadow(record.decision),
    thread: agent.thread,
  };
}

function applicationLifecycle(record: LifecycleRecord, placement: Placement) {
  const activity = LIFECYCLE_ACTIVITY[record.event] ?? OTHER;
  const agent = agentParts(record.agent);
  return {
    activity_id: activity,
    activity_name: clip(record.event, 64),
    ai_agent: agent.aiAgent,
    app: placement.product,
    attestation_list: [placement.attestation],
    category_uid: 6,
    class_uid: 6002,
    message: clip(record.event, 64),
    metadata: metadata(placement, undefined, "lifecycle"),
    severity_id: severity(record.outcome === "failed" ? "failed" : "allowed", null),
    status_id: record.outcome === "succeeded" ? 1 : 2,
    time: record.timeMs,
    type_uid: 600_200 + activity,
    unmapped: { weir: { fields: plainFields(record.fields), kind: record.kind } },
  };
}
