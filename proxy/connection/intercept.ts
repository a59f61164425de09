import { EgressError } from "../errors.ts";
import { destinationHost, type Opened, type Screened } from "../model/connection.ts";
import type { CertificateAuthority } from "../tls/certificate-authority.ts";
import { endTls } from "./end-tls.ts";

/** In the order of our preference (RFC 7301 §3.2: the server chooses). */
const ALPN = ["h2", "http/1.1"] as const;

/**
 * in: Screened · out: Opened · ends early with: tls.rejected-by-agent, tls.malformed, protocol.unsupported · next: hand-over.ts
 *
 * Ends TLS with a certificate for the connection's one destination; plain HTTP is open already. The context carries the shared settings
 * (proxy/tls/server-context.ts); nothing is resumed, renegotiated or asked of the client.
 */
export async function intercept(screened: Screened, authority: CertificateAuthority, handshakeTimeoutMs: number): Promise<Opened> {
  const { wire, socket, destination } = screened;
  if (wire.kind !== "tls") return { ...screened, stream: socket, alpn: "http/1.1", scheme: "http" };
  if (wire.alpn.length > 0 && !ALPN.some((protocol) => wire.alpn.includes(protocol))) {
    throw new EgressError("protocol.unsupported", "the client offers neither h2 nor http/1.1");
  }
  const stream = await endTls(screened, { secureContext: await authority.contextFor(destinationHost(destination)), alpn: ALPN }, handshakeTimeoutMs);
  return { ...screened, stream, alpn: stream.alpnProtocol === "h2" ? "h2" : "http/1.1", scheme: "https" };
}
