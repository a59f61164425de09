import type { AgentIdentity } from "../../common/identity.ts";

/** An identity that was checked, and until when it holds. */
export interface VerifiedAgent extends AgentIdentity {
  /** Wall-clock milliseconds; checked again for each exchange, so that a kept-alive connection does not outlive its token. */
  readonly expiresAtMs: number;
}

export type { AgentIdentity };
