import type { ConnectionRecord, ExchangeRecord, LifecycleRecord, NameRecord, RecordedAgent, RecordedDecision, RecordedModelUse } from "../../proxy/model/record.ts";

/** Builders of audit records: a whole one with the given fields in their place. */
export const anAgent: RecordedAgent = { namespace: "local", name: "coder", thread: "t-1", instance: "i-1", user: "ada", chain: ["planner"] };
export const aDecision: RecordedDecision = { allowed: true, rule: "github.read", revision: "r7", grants: ["github"], budgets: ["team-a"] };
const deniedBy: RecordedDecision = { allowed: false, rule: "hosts.default", revision: "r7", grants: [], budgets: [] };

export function anExchange(fields: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    kind: "exchange", phase: "closed", timeMs: 1_767_225_600_000, agent: anAgent, exchangeId: "x-1", connectionId: "c-1", method: "GET", scheme: "https",
    host: "api.github.com", port: 443, path: "/repos/weir", queryKeys: ["page"], httpVersion: "1.1", userAgent: "curl/8", decision: aDecision,
    credentials: ["github@file#1"], redactions: [], outcome: "allowed", error: null, status: 200, upstreamAddress: "192.0.2.7", durationMs: 12, usage: { requestBytes: 5, responseBytes: 70 },
    ...fields,
  };
}

export const aModelUse: RecordedModelUse = {
  api: "anthropic-messages", provider: "anthropic", model: "claude-x", stream: true, clampedTo: 512, heldNanoUsd: "90000000",
  charged: { tokens: { input: 900, cacheRead: 300, cacheWrite: 100, output: 80, reasoning: 30 }, nanoUsd: "12345678", estimated: true, reportedNanoUsd: null, estimatedNanoUsd: "12345678", alarms: ["missing"] },
};

export function aDeniedExchange(fields: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return anExchange({
    decision: deniedBy, credentials: [], redactions: [], outcome: "denied", status: 403, upstreamAddress: null,
    error: { code: "policy.denied", detail: "host not listed", rule: "hosts.default", reason: "host not listed", hint: "List it." }, ...fields,
  });
}

export function aConnection(fields: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return {
    kind: "connection", phase: "closed", timeMs: 1_767_225_600_000, agent: anAgent, connectionId: "c-1", peerAddress: "10.0.0.4", dialled: { address: "198.18.0.5", port: 443 },
    host: "api.github.com", port: 443, wire: "tls", serverName: "api.github.com", handling: "intercept", decision: aDecision, outcome: "allowed", error: null,
    durationMs: 40, usage: { requestBytes: 900, responseBytes: 4_000 }, exchanges: 2, ...fields,
  };
}

export function aName(fields: Partial<NameRecord> = {}): NameRecord {
  return {
    kind: "name", timeMs: 1_767_225_600_000, agent: anAgent, queryId: "q-1", connectionId: "c-2", name: "api.github.com", type: "A", answer: "198.18.0.5",
    outcome: "allowed", error: null, ...fields,
  };
}

export function aLifecycle(fields: Partial<LifecycleRecord> = {}): LifecycleRecord {
  return { kind: "lifecycle", timeMs: 1_767_225_600_000, agent: null, event: "policy.loaded", outcome: "succeeded", fields: { revision: "r7", rules: 12 }, ...fields };
}
