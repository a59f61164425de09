import type { Secret } from "../../common/secret.ts";
import type { AgentIdentity } from "../../common/identity.ts";

/** An identity that was checked, and until when it holds. */
export interface VerifiedAgent extends AgentIdentity {
  /** Wall-clock milliseconds; checked again for each exchange, so that a kept-alive connection does not outlive its token. */
  readonly expiresAtMs: number;
}

/** For whom a credential is fetched; a connection is one. */
export interface Borrower {
  readonly agent: AgentIdentity;
  /** What the agent showed us: for stores that ask the agent itself, by the boundary's mouth. */
  readonly token: Secret;
}

export type { AgentIdentity };
