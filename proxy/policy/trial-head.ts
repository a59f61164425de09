import type { HeadReadings } from "../model/readings.ts";
import type { PolicyRequest } from "./policy-engine.ts";

/** The head of a request that nobody sends. */
export interface TrialHead {
  readonly method: string;
  readonly scheme: "https" | "http";
  readonly host: string;
  readonly port: number;
  /** Path and query, as a client would send them. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly isWebSocket: boolean;
  readonly hasBody: boolean;
  /** As `exchange.encodedSlash` of the boundary. */
  readonly encodedSlash: "refuse" | "keep";
}

/** What policy is asked about it; or that it is refused before anybody asks, and why. */
export type TrialHeadRead =
  | { readonly kind: "read"; readonly request: PolicyRequest; readonly readings: HeadReadings }
  | { readonly kind: "malformed"; readonly why: string };

/** Reads heads as the boundary does: it hands its own readers over (operator.ts). */
export type ReadTrialHead = (head: TrialHead) => TrialHeadRead;

/** When trials are made, and by whose readers. */
export interface TrialContext {
  readonly time: Date;
  readonly readHead: ReadTrialHead;
}
