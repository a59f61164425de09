import type { Duplex } from "node:stream";
import type { SecureContext } from "node:tls";

/** The way to servers for the boundary's own requests: the one that agents' requests take, so that the same addresses are closed. */
export interface Network {
  /**
   * Resolves the name, checks the addresses, opens one connection; the caller owns it.
   * @throws EgressError `upstream.* | destination.forbidden`, or the signal's reason
   */
  dial(host: string, port: number, signal: AbortSignal): Promise<Duplex>;
  /** Roots by which certificates of destinations are verified. */
  readonly trust: SecureContext;
}
