import type { Secret } from "../../common/secret.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { RequestHead } from "../model/request.ts";

/** A credential for one exchange: what to add, what to take away first, what to look for in the answer. */
export interface Loan {
  /** Header fields to set, lower-case names; each replaces whatever the agent sent. */
  readonly headers: readonly (readonly [name: string, value: Secret])[];
  /** Lower-case names of the agent's fields that must go, known auth headers among them; empty when nothing is lent. */
  readonly strip: readonly string[];
  /** For the record: `grant@source#version`. */
  readonly references: readonly string[];
  /** Bare secret values that must never be seen in the answer. */
  readonly secrets: readonly Secret[];
}

export interface CredentialLender {
  /**
   * @param grants names from the decision; every one of them must exist and its binding (scheme, host, port, path, methods) must
   * match the head, or nothing is lent
   * @throws EgressError `credential.unavailable` (source down, unknown grant) or `credential.misdirected` (outside its binding, or plaintext)
   */
  lend(grants: readonly string[], agent: AgentIdentity, head: RequestHead, signal: AbortSignal): Promise<Loan>;
}
