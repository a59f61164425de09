import { createServer } from "node:https";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { createSecureContext } from "node:tls";
import type { Network } from "../../../proxy/model/network.ts";
import { mintAuthority, type TestAuthority } from "../tls-authority.ts";

/** A request as it arrived, its body whole. */
export interface TokenServerRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface TokenServerAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or text as it is. */
  readonly body?: unknown;
}

/** A stand-in of an endpoint that gives tokens, under the name that it has in the world. */
export interface TokenServer {
  /** Leads that name, and no other, to the stand-in, and trusts its certificate. */
  readonly network: Network;
  readonly caPem: string;
  readonly port: number;
  readonly requests: readonly TokenServerRequest[];
  /** What is answered in place of what the stand-in would say, if anything. */
  override: ((request: TokenServerRequest) => TokenServerAnswer | null | Promise<TokenServerAnswer | null>) | null;
  close(): Promise<void>;
}

type Answer = (request: TokenServerRequest) => Promise<TokenServerAnswer> | TokenServerAnswer;

/** @param names the host names of the certificate @param given the CA behind it; without one it has its own */
export async function startTokenServer(names: readonly string[], answer: Answer, given?: TestAuthority): Promise<TokenServer> {
  const authority = given ?? await mintAuthority("Stand-in CA");
  const { certPem, keyPem } = await authority.leaf(names);
  const requests: TokenServerRequest[] = [];
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const request = { method: incoming.method ?? "", path: incoming.url ?? "", headers: incoming.headers, body: Buffer.concat(chunks).toString() };
    requests.push(request);
    const { status, headers = {}, body } = await server.override?.(request) ?? await answer(request);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
  };
  const listener = createServer({ cert: certPem, key: keyPem }, (incoming, response) => { void serve(incoming, response); });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const network: Network = {
    trust: createSecureContext({ ca: authority.caPem }),
    dial: async (host, dialled, signal) => {
      if (!names.includes(host) || dialled !== 443) throw new Error(`nobody is at ${host}:${dialled}`);
      const socket = connect({ host: "127.0.0.1", port });
      socket.on("error", () => { /* the owner sees it close */ });
      await once(socket, "connect", { signal });
      return socket;
    },
  };
  const server: TokenServer = {
    network, caPem: authority.caPem, port, requests, override: null,
    close: async () => {
      listener.closeAllConnections();
      await new Promise((resolve) => { listener.close(resolve); });
    },
  };
  return server;
}

/** As a token endpoint wants it (RFC 6749 §4.4.2); null if it is something else. */
export function formOf({ method, headers, body }: TokenServerRequest): URLSearchParams | null {
  return method === "POST" && headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true ? new URLSearchParams(body) : null;
}
