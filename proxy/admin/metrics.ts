import type { RecordedModelUse } from "../model/record.ts";

/** Who asked, as labels; bounded by the implementation. */
export interface AgentLabels {
  readonly namespace: string;
  readonly agent: string;
}

/** What one ended exchange counts as. */
export interface ExchangeFacts extends AgentLabels {
  /** For `weir top` alone: a thread is no label, there is no end to them. */
  readonly thread: string;
  readonly outcome: "allowed" | "denied" | "failed";
  /** A code of the error table; `ok` or empty for none. */
  readonly code: string;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Of a call of a language model that was read. */
  readonly modelUse?: RecordedModelUse;
  /** Id of the budget that refused or cut it. */
  readonly budget?: string;
}

/** Counters and gauges that the paths report. Label values come from closed sets or configuration, never from an agent (bounded cardinality). */
export interface Metrics {
  connectionOpened(): void;
  connectionClosed(outcome: "allowed" | "denied" | "failed", code: string): void;
  exchangeClosed(facts: ExchangeFacts): void;
  nameAnswered(outcome: "allowed" | "denied" | "failed"): void;
  policyEvaluated(question: string, durationMs: number): void;
  /** The shadow policy was asked. @param rule that it decided by; null where it did not */
  shadowAnswered(question: string, verdict: string, rule: string | null): void;
  /** Credentials joined a request that is about to be sent. */
  credentialsLent(grants: readonly string[]): void;
  /** A lent secret was found in an answer, and masked. @param reference `grant@source#version` */
  secretsMasked(reference: string, place: "header" | "body" | "trailer" | "frame", count: number): void;
  /** An answer of an MCP server lost entries of lists, and requests of the server. */
  mcpFiltered(hidden: number, withheld: number): void;
}

export const noMetrics: Metrics = {
  connectionOpened() {}, connectionClosed() {}, exchangeClosed() {}, nameAnswered() {}, policyEvaluated() {}, shadowAnswered() {}, credentialsLent() {}, secretsMasked() {}, mcpFiltered() {},
};
