import { TLSSocket, type SecureContext } from "node:tls";
import { EgressError } from "../errors.ts";
import type { Screened } from "../model/connection.ts";

/** What the boundary shows and speaks as the server of a handshake. */
export interface TlsServer {
  readonly secureContext: SecureContext;
  /** In the order of our preference. */
  readonly alpn: readonly string[];
}

/**
 * Ends the agent's TLS; bytes that were put back into the socket are part of it. Nothing is resumed, renegotiated or asked of the client.
 * @throws EgressError `tls.rejected-by-agent`, `tls.malformed`, or the reason of the connection's signal
 */
export async function endTls({ socket, signal }: Screened, { secureContext, alpn }: TlsServer, deadlineMs: number): Promise<TLSSocket> {
  signal.throwIfAborted();
  const stream = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: [...alpn], requestCert: false });
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
