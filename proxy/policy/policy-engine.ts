import type { AgentIdentity } from "../model/agent.ts";
import type { Allow, Ask, Deny, Read } from "../model/decision.ts";
import type { BodyReadings, HeadReadings, ReadReport } from "../model/readings.ts";
import type { PolicyBudget } from "../model/standing.ts";

/** What policy knows of the agent. */
export type PolicyAgent = Pick<AgentIdentity, "namespace" | "name" | "thread" | "user" | "labels" | "chain">;

export interface PolicyConnection {
  /** The name, or the address literal; `is_address` tells which. */
  readonly name: string;
  readonly is_address: boolean;
  readonly port: number;
  readonly wire: "tls" | "http" | "postgres" | "opaque";
  readonly sni: string | null;
  readonly alpn: readonly string[];
}

export interface PolicyRequest {
  readonly method: string;
  readonly scheme: "https" | "http";
  readonly host: string;
  readonly port: number;
  /** Decoded path segments, `/v1/models` = ["v1", "models"]. */
  readonly path: readonly string[];
  /** Parameter name → values, decoded. */
  readonly query: Readonly<Record<string, readonly string[]>>;
  /** Field name (lower case) → values joined by ", ". Claimed by the agent, not verified. */
  readonly headers: Readonly<Record<string, string>>;
  readonly upgrade: "websocket" | null;
  /** Absent where it is not known, as in records of earlier versions: then the method tells. */
  readonly has_body?: boolean;
}

/** Policy input v1. The source of the JSON Schemas for `opa check --schema`. */
export interface PolicyInput extends HeadReadings, BodyReadings {
  readonly version: 1;
  readonly agent: PolicyAgent;
  /** Present for connections and exchanges. */
  readonly connection?: PolicyConnection;
  /** Present for exchanges. */
  readonly request?: PolicyRequest;
  /**
   * Present for a connection whose handling is `postgres`, once the client has said what it wants: the question is then asked a second time.
   * Claimed by the agent, not verified, but for `database`: that and no other is opened.
   */
  readonly sql?: { readonly user: string; readonly database: string; readonly application_name: string; readonly options: string };
  /**
   * Present when an exchange is asked about again after `read`: for each reading that was tried, null, or why there is none. Those that are there are
   * beside it: `llm`, `mcp`, `graphql`, `json`.
   */
  readonly read?: ReadReport;
  /** Present for names: what a DNS query asks for. */
  readonly dns?: { readonly name: string; readonly type: string };
  readonly budgets: Readonly<Record<string, PolicyBudget>>;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
}

/** What is asked; each is an entry point of the bundle: `weir/connection/decision`, `weir/exchange/decision`, `weir/name/decision`. */
export type Question = "connection" | "exchange" | "name";

/** What may be answered to each question. */
export interface Answers {
  readonly connection: Allow | Deny | Ask;
  readonly exchange: Allow | Deny | Ask | Read;
  readonly name: Allow | Deny;
}

/** Answers by Rego. Default deny; the answer is parsed by a strict schema. */
export interface PolicyEngine {
  /** Names the bundle in force, for records. */
  readonly revision: string;
  /**
   * @throws EgressError `policy.unavailable` for anything that is not a well-formed answer in time: trap, deadline, memory ceiling,
   * undefined, several results, unknown keys, or `read` again by whoever was told what was read; `request.malformed` for text that is no Unicode
   */
  decide<Q extends Question>(question: Q, input: PolicyInput, signal: AbortSignal): Promise<Answers[Q]>;
  /**
   * Answers about the parts of one request that was read, at least one, by one revision and within one deadline.
   * @returns an answer for each, in order @throws EgressError as `decide` does, for all of them
   */
  decideAll<Q extends Question>(question: Q, parts: readonly PolicyInput[], signal: AbortSignal): Promise<readonly Answers[Q][]>;
  /** Calls back after another revision is in force. @returns a function that stops that */
  onChange(listener: () => void): () => void;
}
