import type { Target } from "../peers/peer.ts";

export const SCENARIOS = ["small-requests", "handshakes", "bulk", "sse"] as const;
export type ScenarioName = (typeof SCENARIOS)[number];
/** `latency` is small requests at a fixed slow rate; it is part of `small-requests`. */
export type LoadName = ScenarioName | "latency";

/** What the bench asks of the driver. `measure` follows when the warm-up has been reported. */
export type Order =
  | { readonly kind: "load"; readonly load: LoadName; readonly target: Target; readonly warmUpMs: number }
  | { readonly kind: "measure"; readonly durationMs: number };

export type Report =
  | { readonly kind: "warm" }
  | { readonly kind: "measured"; readonly measured: Measured }
  | { readonly kind: "failed"; readonly message: string };

/** What the driver saw while it measured. */
export interface Measured {
  /** Requests, connections or events that were complete and right. */
  readonly units: number;
  readonly bodyBytes: number;
  readonly elapsedMs: number;
  /** Microseconds from sending to the last byte; of an event from its sending to its arrival; null if none was taken. */
  readonly p50Micros: number | null;
  readonly p99Micros: number | null;
}
