import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { PemPair } from "./tls-authority.ts";

/** A request as its bytes were: head and body, up to where the next one begins or the bytes end. */
export interface RawRequest {
  readonly text: string;
  /** From the request line. */
  readonly path: string;
}

export interface RawUpstream {
  readonly port: number;
  readonly requests: readonly RawRequest[];
  close(): Promise<void>;
}

/** A destination that answers with whatever bytes a test wants. @param answer is called once for each request head, bodies are not awaited */
export async function startRawUpstream(identity: PemPair, answer: (request: RawRequest, socket: TLSSocket) => void): Promise<RawUpstream> {
  const requests: RawRequest[] = [];
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert: identity.certPem, key: identity.keyPem }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => { sockets.delete(socket); });
    socket.on("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      const path = /^[A-Z-]+ (\S+) HTTP\/1\.1\r\n/.exec(text)?.[1];
      if (path === undefined) return;
      const request = { text, path };
      requests.push(request);
      answer(request, socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port: (server.address() as AddressInfo).port, requests, close };
}
