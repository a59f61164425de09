import type { Explanation } from "../errors.ts";
import type { ReadingName } from "./readings.ts";

/**
 * What becomes of a connection that is allowed. `intercept`: the boundary ends TLS or reads HTTP. `tunnel`: bytes pass unread, and no credential
 * is ever lent. `postgres`: the boundary logs in to the database in the agent's stead, then bytes pass unread.
 */
export type Handling = "intercept" | "tunnel" | "postgres";

/** What an allow costs or asks for. Empty is legal; unknown keys are not. */
export interface Obligations {
  /** Largest request body let through, in bytes. */
  readonly maxRequestBytes?: number;
  /** Largest answer body let through, in bytes. */
  readonly maxResponseBytes?: number;
  /** Most output tokens of a model that one request may ask for; more is lowered to it. */
  readonly maxOutputTokens?: number;
  /** What becomes of a request to a model whose worst case is more than what is left: its output is limited, or it is refused. */
  readonly whenShort?: "clamp" | "refuse";
  /** The answer is read as this protocol, and loses what policy would not allow. */
  readonly filter?: "mcp";
}

export interface Allow {
  readonly kind: "allow";
  readonly rule: string;
  /** Only for connections. */
  readonly handling: Handling;
  /** Names of grants whose credential is lent; at most 8. */
  readonly grants: readonly string[];
  /** Ids of budgets that this is charged to; at most 16. */
  readonly budgets: readonly string[];
  readonly obligations: Obligations;
  readonly revision: string;
}

export interface Deny extends Explanation {
  readonly kind: "deny";
  readonly revision: string;
}

/** How long an approval holds: for the one request that waits, or for everything of the thread that the same rule asks about. */
export const APPROVAL_SCOPES = ["once", "thread"] as const;
export type ApprovalScope = (typeof APPROVAL_SCOPES)[number];

/** A person decides while the request waits. Only for connections and exchanges. Nobody who answers in time is a deny. */
export interface Ask {
  readonly kind: "ask";
  readonly rule: string;
  /** What the person is asked, and what the agent is told while and after it waits. */
  readonly reason: string;
  readonly hint: string;
  /** Longest wait, in milliseconds; at most an hour. */
  readonly timeoutMs: number;
  /** What the person may choose; at least one. */
  readonly scopes: readonly ApprovalScope[];
  /** What is allowed once a person has said yes. */
  readonly allow: Allow;
  readonly revision: string;
}

/**
 * Policy cannot tell yet: the body has to be read first, then it is asked again with what was read (`input.read` says of what). Only for exchanges, and only
 * once: whoever is asked again must decide.
 */
export interface Read {
  readonly kind: "read";
  readonly rule: string;
  /** At least one. */
  readonly readings: readonly ReadingName[];
  /** Largest body that is held back to be read, decoded, in bytes; a larger one is refused. */
  readonly maxBytes: number;
  readonly revision: string;
}

/** What was decided in the end: nothing is left to read or to ask. */
export type Verdict = Allow | Deny;

/** What policy says. An error is nothing of this: the engine throws, and a failure is never an allow. */
export type Decision = Allow | Deny | Ask | Read;
