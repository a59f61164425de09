import * as z from "zod";
import { ERROR_TABLE, type ErrorCode } from "../errors.ts";
import type { AuditRecord, RecordedAgent, RecordedDecision, RecordedError, RecordedSession } from "../model/record.ts";
import { decisionShape, readDecisionParts } from "./ocsf-decision.ts";
import { modelUseShape, readModelUse } from "./ocsf-model-use.ts";

const text = z.string();
const count = z.number().int();
const words = z.array(text);

/** The fields of our events that `toOcsf` writes, all classes together; others are let through unread. */
const eventShape = z.looseObject({
  activity_name: text.optional(),
  actor: z.looseObject({ user: z.looseObject({ name: text }) }).optional(),
  ai_agent: z.looseObject({ instance_uid: text, name: text }).optional(),
  answers: z.array(z.looseObject({ rdata: text })).optional(),
  class_uid: z.union([z.literal(4001), z.literal(4002), z.literal(4003), z.literal(6002)]),
  connection_info: z.looseObject({ uid: text }).optional(),
  disposition_id: z.union([z.literal(1), z.literal(2), z.literal(27)]).optional(),
  dst_endpoint: z.looseObject({ hostname: text.optional(), ip: text.optional(), port: count.optional() }).optional(),
  duration: count.optional(),
  firewall_rule: z.looseObject({ name: text }).optional(),
  http_request: z.looseObject({
    http_method: text.optional(), user_agent: text.optional(), version: text.optional(),
    url: z.looseObject({ hostname: text.optional(), path: text.optional(), port: count.optional(), scheme: z.enum(["https", "http"]).optional() }),
  }).optional(),
  http_response: z.looseObject({ code: count }).optional(),
  metadata: z.looseObject({ correlation_uid: text.optional() }),
  policy: z.looseObject({ version: text }).optional(),
  query: z.looseObject({ hostname: text.optional(), type: text.optional() }).optional(),
  status_code: z.custom<ErrorCode>((value) => typeof value === "string" && value in ERROR_TABLE).optional(),
  status_detail: text.optional(),
  status_id: z.union([z.literal(1), z.literal(2)]),
  time: z.number(),
  traffic: z.looseObject({ bytes_in: count, bytes_out: count }).optional(),
  unmapped: z.looseObject({ weir: z.looseObject({
    agent_chain: words.optional(), application_name: text.optional(), budgets: words.optional(), credentials: words.optional(), database: text.optional(),
    dialled: z.strictObject({ address: text, port: count }).optional(),
    error_rule: text.optional(), exchanges: count.optional(), fields: z.record(text, z.union([text, z.number(), z.boolean()])).optional(), grants: words.optional(),
    handling: z.enum(["intercept", "tunnel", "postgres"]).optional(), hint: text.optional(), model_use: modelUseShape.optional(), namespace: text.optional(), peer_address: text.optional(),
    mcp_filtered: z.strictObject({ hidden: count, withheld: words }).optional(),
    phase: z.enum(["opened", "decided", "closed"]).optional(), pod: text.optional(), policy_allowed: z.boolean().optional(), query_keys: words.optional(), reason: text.optional(),
    redactions: z.array(z.strictObject({ count, place: z.enum(["header", "body", "trailer", "frame"]), reference: text })).optional(),
    server_name: text.optional(), sql_user: text.optional(), thread: text.optional(), unmetered: z.literal(true).optional(), wire: z.enum(["tls", "http", "postgres", "opaque", "dns"]).optional(),
    ...decisionShape,
  }) }),
});
type Shaped = z.output<typeof eventShape>;

const OUTCOME = { 1: "allowed", 2: "denied", 27: "failed" } as const;

/** The record that an event was made from, clipped texts and rounded durations aside; null if the event is not one of ours. */
export function fromOcsf(event: unknown): AuditRecord | null {
  const parsed = eventShape.safeParse(event);
  if (!parsed.success) return null;
  const shaped = parsed.data;
  switch (shaped.class_uid) {
    case 4001: return connectionOf(shaped);
    case 4002: return exchangeOf(shaped);
    case 4003: return nameOf(shaped);
    case 6002: return lifecycleOf(shaped);
  }
}

function common(shaped: Shaped) {
  return {
    timeMs: shaped.time, agent: agentOf(shaped), outcome: OUTCOME[shaped.disposition_id ?? 27], error: errorOf(shaped),
    connectionId: shaped.connection_info?.uid ?? "", durationMs: shaped.duration ?? 0, decision: decisionOf(shaped),
    usage: { requestBytes: shaped.traffic?.bytes_out ?? 0, responseBytes: shaped.traffic?.bytes_in ?? 0 },
  };
}

function exchangeOf(shaped: Shaped): AuditRecord {
  const { weir } = shaped.unmapped;
  const request = shaped.http_request;
  return {
    ...common(shaped), kind: "exchange", phase: weir.phase === "decided" ? "decided" : "closed", exchangeId: shaped.metadata.correlation_uid ?? "",
    method: request?.http_method ?? null, scheme: request?.url.scheme ?? null, host: request?.url.hostname ?? null, port: request?.url.port ?? null,
    path: request?.url.path ?? null, queryKeys: weir.query_keys ?? [], httpVersion: request?.version ?? null, userAgent: request?.user_agent ?? null,
    credentials: weir.credentials ?? [], redactions: weir.redactions ?? [], status: shaped.http_response?.code ?? null, upstreamAddress: upstreamOf(shaped),
    ...(weir.model_use === undefined ? {} : { modelUse: readModelUse(weir.model_use) }), ...(weir.unmetered === undefined ? {} : { isUnmetered: weir.unmetered }),
    ...(weir.mcp_filtered === undefined ? {} : { mcpFiltered: weir.mcp_filtered }),
  };
}

/** `dst_endpoint.ip` is the literal that was asked for unless it differs from it: then it is the address that was dialled. */
function upstreamOf(shaped: Shaped): string | null {
  const ip = shaped.dst_endpoint?.ip;
  return ip === undefined || ip === shaped.http_request?.url.hostname ? null : ip;
}

function connectionOf(shaped: Shaped): AuditRecord {
  const { weir } = shaped.unmapped;
  const session = sessionOf(shaped);
  return {
    ...common(shaped), kind: "connection", phase: weir.phase === "opened" ? "opened" : "closed", connectionId: shaped.connection_info?.uid ?? "",
    peerAddress: weir.peer_address ?? null, dialled: weir.dialled ?? null, host: shaped.dst_endpoint?.hostname ?? shaped.dst_endpoint?.ip ?? null,
    port: shaped.dst_endpoint?.port ?? null, wire: weir.wire ?? null, serverName: weir.server_name ?? null, handling: weir.handling ?? null, exchanges: weir.exchanges ?? 0,
    ...(session === null ? {} : { session }),
  };
}

function sessionOf(shaped: Shaped): RecordedSession | null {
  const { application_name: applicationName, credentials, database, sql_user: user } = shaped.unmapped.weir;
  if (database === undefined) return null;
  return { user: user ?? "", database, applicationName: applicationName ?? "", credentials: credentials ?? [], upstreamAddress: upstreamOf(shaped) };
}

function nameOf(shaped: Shaped): AuditRecord {
  const { timeMs, agent, outcome, error, connectionId, decision } = common(shaped);
  return {
    kind: "name", timeMs, agent, outcome, error, connectionId, queryId: shaped.metadata.correlation_uid ?? "",
    name: shaped.query?.hostname ?? null, type: shaped.query?.type ?? null, answer: shaped.answers?.[0]?.rdata ?? null,
    ...(decision === null ? {} : { decision }),
  };
}

function lifecycleOf(shaped: Shaped): AuditRecord {
  return {
    kind: "lifecycle", timeMs: shaped.time, agent: null, event: shaped.activity_name ?? "", outcome: shaped.status_id === 1 ? "succeeded" : "failed",
    fields: shaped.unmapped.weir.fields ?? {},
  };
}

function agentOf(shaped: Shaped): RecordedAgent | null {
  const { ai_agent: agent, actor } = shaped;
  const { agent_chain: chain, namespace, thread, pod } = shaped.unmapped.weir;
  if (agent === undefined) return null;
  const read = { namespace: namespace ?? "", name: agent.name, thread: thread ?? "", instance: agent.instance_uid, user: actor?.user.name ?? "", chain: chain ?? [] };
  return pod === undefined ? read : { ...read, pod };
}

function decisionOf(shaped: Shaped): RecordedDecision | null {
  const { policy_allowed: allowed, grants, budgets } = shaped.unmapped.weir;
  if (allowed === undefined) return null;
  const decided = { allowed, rule: shaped.firewall_rule?.name ?? "", revision: shaped.policy?.version ?? "", grants: grants ?? [], budgets: budgets ?? [] };
  return { ...decided, ...readDecisionParts(shaped.unmapped.weir, agentOf(shaped)) };
}

function errorOf(shaped: Shaped): RecordedError | null {
  if (shaped.status_code === undefined) return null;
  const { reason, hint, error_rule: rule } = shaped.unmapped.weir;
  return {
    code: shaped.status_code, detail: shaped.status_detail ?? "",
    ...(rule === undefined ? {} : { rule }), ...(reason === undefined ? {} : { reason }), ...(hint === undefined ? {} : { hint }),
  };
}
