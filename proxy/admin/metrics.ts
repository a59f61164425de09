/** What one ended exchange counts as. `agent` is bounded by the implementation. */
export interface ExchangeFacts {
  readonly agent: string;
  readonly outcome: "allowed" | "denied" | "failed";
  /** A code of the error table; `ok` or empty for none. */
  readonly code: string;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** Counters and gauges that the paths report. Label values come from closed sets or configuration, never from an agent (bounded cardinality). */
export interface Metrics {
  connectionOpened(): void;
  connectionClosed(outcome: "allowed" | "denied" | "failed", code: string): void;
  exchangeClosed(facts: ExchangeFacts): void;
  nameAnswered(outcome: "allowed" | "denied" | "failed"): void;
  policyEvaluated(question: string, durationMs: number): void;
  /** Credentials joined a request that is about to be sent. */
  credentialsLent(grants: readonly string[]): void;
  /** A lent secret was found in an answer, and masked. @param reference `grant@source#version` */
  secretsMasked(reference: string, place: "header" | "body" | "trailer" | "frame", count: number): void;
}

export const noMetrics: Metrics = {
  connectionOpened() {}, connectionClosed() {}, exchangeClosed() {}, nameAnswered() {}, policyEvaluated() {}, credentialsLent() {}, secretsMasked() {},
};
