import { once } from "node:events";
import { createServer } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { PemPair } from "../tls-authority.ts";

export interface ServiceRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What it answers: an object as JSON, a text as an event stream. */
export type ServiceAnswer = (request: ServiceRequest) => { readonly status?: number; readonly body: object | string };

/** An HTTPS API outside of the boundary, and what reached it. */
export interface Service {
  readonly port: number;
  readonly requests: readonly ServiceRequest[];
  close(): Promise<void>;
}

export async function startService(identity: PemPair, answer: ServiceAnswer): Promise<Service> {
  const requests: ServiceRequest[] = [];
  const server = createServer({ cert: identity.certPem, key: identity.keyPem }, (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => { chunks.push(chunk); });
    incoming.on("end", () => {
      const request = { method: incoming.method ?? "", path: incoming.url ?? "", headers: incoming.headers, body: Buffer.concat(chunks).toString() };
      requests.push(request);
      const { status = 200, body } = answer(request);
      const [type, text] = typeof body === "string" ? ["text/event-stream", body] : ["application/json", JSON.stringify(body)];
      outgoing.writeHead(status, { "content-type": type }).end(text);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, requests,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
