import { TLSSocket, type SecureContext } from "node:tls";
import { EgressError } from "../errors.ts";
import { destinationHost, type Opened, type Screened } from "../model/connection.ts";
import type { CertificateAuthority } from "../tls/certificate-authority.ts";

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
  const stream = await handshake(screened, await authority.contextFor(destinationHost(destination)), handshakeTimeoutMs);
  return { ...screened, stream, alpn: stream.alpnProtocol === "h2" ? "h2" : "http/1.1", scheme: "https" };
}

async function handshake({ socket, signal }: Screened, secureContext: SecureContext, deadlineMs: number): Promise<TLSSocket> {
  signal.throwIfAborted();
  const stream = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: [...ALPN], requestCert: false });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onGone = () => { reject(new EgressError("tls.rejected-by-agent", "the client left during the handshake")); };
  const onAbort = () => { reject(signal.reason as EgressError); };
  const timer = setTimeout(() => { reject(new EgressError("tls.malformed", `handshake not complete after ${deadlineMs} ms`)); }, deadlineMs);
  stream.once("secure", resolve).once("end", onGone).once("close", onGone);
  stream.on("error", (error) => {
    reject(handshakeError(error));
    stream.destroy();
  });
  signal.addEventListener("abort", onAbort);
  try {
    await promise;
    return releaseControl(stream);
  } catch (error) {
    stream.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    stream.off("secure", resolve).off("end", onGone).off("close", onGone);
  }
}

/**
 * Does after `secure` what Node's own TLS server does there. A server-side TLSSocket made by hand would stay "connecting" for ever, so that
 * node:http2 waits for an event of clients, and would keep its later errors to itself.
 */
function releaseControl(stream: TLSSocket & { secureConnecting?: boolean; _releaseControl?: () => boolean }): TLSSocket {
  if (stream._releaseControl === undefined) throw new EgressError("internal", "this Node has no _releaseControl");
  stream._releaseControl();
  stream.secureConnecting = false;
  return stream;
}

/** An alert of the client means that it does not want our certificate; anything else, that it does not speak proper TLS. */
function handshakeError(error: Error): EgressError {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const detail = `TLS handshake: ${code}`;
  if (code.includes("_ALERT_") || code === "ECONNRESET" || code === "EPIPE") return new EgressError("tls.rejected-by-agent", detail, { cause: error });
  return new EgressError("tls.malformed", detail, { cause: error });
}
