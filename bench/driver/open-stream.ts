import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { connect, type SecureContext, type TLSSocket } from "node:tls";
import type { Target } from "../peers/peer.ts";

/** TLS to the destination as an agent behind this proxy opens it: preamble or CONNECT first, no resumption, the certificate verified. */
export async function openStream(target: Target, secureContext: SecureContext): Promise<TLSSocket> {
  const socket = typeof target.at === "number" ? createConnection({ port: target.at, host: "127.0.0.1", noDelay: true }) : createConnection(target.at);
  await once(socket, "connect");
  if (target.preamble !== null) socket.write(Buffer.from(target.preamble, "base64"));
  if (target.connectTo !== null) await askForTunnel(socket, target.connectTo);
  const stream = connect({ socket, secureContext, servername: target.serverName, ALPNProtocols: ["http/1.1"] });
  await once(stream, "secureConnect");
  return stream;
}

async function askForTunnel(socket: Socket, authority: string): Promise<void> {
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  let head = "";
  while (!head.includes("\r\n\r\n")) {
    await once(socket, "readable");
    head += (socket.read() as Buffer | null)?.toString("latin1") ?? "";
  }
  if (!/^HTTP\/1\.[01] 200/.test(head)) throw new Error(`no tunnel: ${head.slice(0, 200)}`);
}

/** A GET as a client library writes it, about 200 bytes. */
export function requestBytes(target: Target, path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${target.authority}\r\nUser-Agent: bench/1\r\nAccept: */*\r\nAuthorization: ${target.authorization}\r\n\r\n`);
}
