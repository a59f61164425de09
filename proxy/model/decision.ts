import type { Explanation } from "../errors.ts";

/** What an allow costs or asks for. Empty is legal; unknown keys are not. */
export interface Obligations {
  /** Largest request body let through, in bytes. */
  readonly maxRequestBytes?: number;
  /** Largest answer body let through, in bytes. */
  readonly maxResponseBytes?: number;
}

export interface Allow {
  readonly kind: "allow";
  readonly rule: string;
  /** Only for connections: whether the bytes are read. */
  readonly handling: "intercept" | "tunnel";
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
