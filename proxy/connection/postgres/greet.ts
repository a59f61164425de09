import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { EgressError } from "../../errors.ts";
import { destinationHost, POSTGRES_ALPN, type Screened } from "../../model/connection.ts";
import type { CertificateAuthority } from "../../tls/certificate-authority.ts";
import type { ConnectionConfig } from "../config.ts";
import { endTls } from "../end-tls.ts";
import { REQUEST } from "./protocol.ts";
import { readOpening, type Opening } from "./read-packet.ts";

/** What a client wants, after all that it may ask for first. */
export interface Greeted {
  /** Clear bytes of the agent: its own socket, or the inner side of TLS. */
  readonly stream: Socket;
  readonly opening: Opening;
}

const NO = Buffer.from("N");
const YES = Buffer.from("S");

/**
 * in: Screened · out: Greeted · ends early with: wire.*, tls.*, destination.mismatch · next: serve-session.ts
 *
 * Ends TLS if the client wants it (asked for, or at once), with a certificate for the connection's one destination; refuses GSSAPI encryption,
 * after which clients ask for TLS. Each may be asked for once. No password is asked for: whatever the agent has is worth nothing here.
 */
export async function greet(screened: Screened, authority: CertificateAuthority, config: ConnectionConfig): Promise<Greeted> {
  const { socket, signal, wire } = screened;
  let stream: Socket = wire.kind === "tls" ? await secure(screened, authority, config) : socket;
  const asked = new Set<number>();
  try {
    for (;;) {
      const opening = await readOpening(stream, { deadlineMs: config.helloTimeoutMs, signal });
      if (opening.code !== REQUEST.ssl && opening.code !== REQUEST.gssEncryption) return { stream, opening };
      if (asked.has(opening.code) || stream !== socket) throw new EgressError("wire.malformed", "a request for encryption once too often");
      // Words in clear behind the request would pass for words inside TLS (CVE-2021-23214).
      if (stream.readableLength > 0) throw new EgressError("wire.malformed", "words in clear behind a request for encryption");
      asked.add(opening.code);
      stream.write(opening.code === REQUEST.ssl ? YES : NO);
      if (opening.code === REQUEST.ssl) stream = await secure(screened, authority, config);
    }
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

async function secure(screened: Screened, authority: CertificateAuthority, { handshakeTimeoutMs }: ConnectionConfig): Promise<TLSSocket> {
  const { destination } = screened;
  const stream = await endTls(screened, { secureContext: await authority.contextFor(destinationHost(destination)), alpn: [POSTGRES_ALPN] }, handshakeTimeoutMs);
  const { servername } = stream as TLSSocket & { readonly servername?: string | false | null };
  const isOther = typeof servername === "string" && (destination.kind !== "name" || servername.toLowerCase() !== destination.name);
  if (!isOther) return stream;
  stream.destroy();
  throw new EgressError("destination.mismatch", `server name ${servername} on a connection to ${destinationHost(destination)}`);
}
