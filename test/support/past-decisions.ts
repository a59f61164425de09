import type { PolicyInput } from "../../proxy/policy/policy-engine.ts";
import { readPlace } from "../../proxy/policy/places.ts";
import type { PastDecision } from "../../proxy/policy/replay/past-decision.ts";

/** A policy input of a request; parts of it in place of the usual ones. */
export function anInput(over: Partial<PolicyInput> = {}): PolicyInput {
  return {
    version: 1, budgets: {}, time: "2026-11-01T00:00:00.000Z",
    agent: { namespace: "local", name: "coder", thread: "t", user: "", labels: {}, chain: [] },
    connection: { name: "api.test", is_address: false, port: 443, wire: "tls", sni: "api.test", alpn: ["h2"] },
    request: { method: "GET", scheme: "https", host: "api.test", port: 443, path: ["v1", "things"], query: {}, headers: {}, upgrade: null },
    ...over,
  };
}

/** A decision of the past. @param redacted places, as a record writes them */
export function aPastDecision(over: Partial<PastDecision> = {}, redacted: readonly string[] = []): PastDecision {
  return {
    id: "x-1", timeMs: Date.parse("2026-11-01T00:00:00.500Z"), question: "exchange", agent: "local/coder", host: "api.test", subject: "GET https://api.test/v1/things",
    verdict: "allow", rule: "old", revision: "r1", input: anInput(), redacted: redacted.map((text) => ({ text, steps: text === "input.parts" ? null : readPlace(text) })), ...over,
  };
}

