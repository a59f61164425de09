import type { Preamble } from "../../common/preamble.ts";
import type { Peer } from "../model/connection.ts";
import type { VerifiedAgent } from "../model/agent.ts";

/** What a connection shows of who it is. */
export type ShownIdentity = Pick<Preamble, "token" | "container">;

/** Turns a token and a peer into an agent. */
export interface IdentityVerifier {
  /**
   * Checks signature, issuer, audience, expiry and binding of the token to its peer, and that the container may speak for itself.
   * @throws EgressError `identity.missing | identity.malformed | identity.rejected | identity.expired | identity.unavailable`
   */
  verify(shown: ShownIdentity, peer: Peer, signal: AbortSignal): Promise<VerifiedAgent>;
}
