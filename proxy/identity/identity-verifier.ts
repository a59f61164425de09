import type { Peer } from "../model/connection.ts";
import type { VerifiedAgent } from "../model/agent.ts";

/** Turns a token and a peer into an agent. */
export interface IdentityVerifier {
  /**
   * Checks signature, issuer, audience, expiry and binding of the token to its peer.
   * @throws EgressError `identity.missing | identity.malformed | identity.rejected | identity.expired | identity.unavailable`
   */
  verify(token: string, peer: Peer, signal: AbortSignal): Promise<VerifiedAgent>;
}
