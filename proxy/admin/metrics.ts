/** Counters and gauges that the paths report. Label values come from closed sets or configuration, never from an agent (bounded cardinality). */
export interface Metrics {
  connectionOpened(): void;
  connectionClosed(outcome: "allowed" | "denied" | "failed", code: string): void;
  exchangeClosed(facts: { readonly agent: string; readonly outcome: "allowed" | "denied" | "failed"; readonly code: string; readonly durationMs: number; readonly requestBytes: number; readonly responseBytes: number }): void;
  nameAnswered(outcome: "allowed" | "denied" | "failed"): void;
  policyEvaluated(question: string, durationMs: number): void;
}

export const noMetrics: Metrics = {
  connectionOpened() {}, connectionClosed() {}, exchangeClosed() {}, nameAnswered() {}, policyEvaluated() {},
};
