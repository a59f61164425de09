import type { Explanation } from "../errors.ts";

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

/** Allow or deny; `ask` is added where a person can answer. An error is neither: the engine throws, and a failure is never an allow. */
export type Decision = Allow | Deny;
