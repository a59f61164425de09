import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Stage } from "../../support/stage.ts";

/** One request as it arrived, whole: the bytes of the path and the body are what a signature is over. */
export interface Ask {
  readonly method: string;
  /** As it was sent, with the query. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly host: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export type Answer = Http2ServerResponse;

/** What a stand-in noted of one request. */
export interface Seen {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  /** Which credential it carried, as only its provider can tell. */
  readonly credential: "real" | "other" | "none";
  /** What was wrong with it by the provider's documentation; null if it was served. */
  readonly fault: string | null;
  /** Word for a step of an agent's turn, such as `tool result`; empty if it is none. */
  readonly step: string;
}

/** A provider's API under its real host names, by its documentation. */
export interface StandIn {
  readonly hosts: readonly string[];
  /** Answers one request. @returns what is to be noted of it */
  serve(ask: Ask, answer: Answer): Promise<Omit<Seen, "host" | "method" | "path">> | Omit<Seen, "host" | "method" | "path">;
  /** Answers the request for a WebSocket. Without it there is none. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer, note: (seen: Omit<Seen, "host" | "method" | "path">) => void): void;
}

/** Everything that arrived anywhere, in order. */
export interface Provider {
  readonly seen: readonly Seen[];
  /** On 127.0.0.1. */
  readonly port: number;
  close(): void;
}

/** Largest body that a stand-in reads, in bytes. */
const BODY_LIMIT_BYTES = 16 << 20;

/** Starts one TLS server for all hosts of all stand-ins, HTTP/1.1 and HTTP/2, and routes their names to it. */
export async function startProviders(stage: Stage, standIns: readonly StandIn[]): Promise<Provider> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const byHost = new Map(standIns.flatMap((standIn) => standIn.hosts.map((host) => [host, standIn] as const)));
  const leaf = await stage.authority.leaf([...byHost.keys()]);
  const server = createSecureServer({ cert: leaf.certPem, key: leaf.keyPem, allowHTTP1: true });
  server.on("connection", (socket: Socket) => { sockets.add(socket.once("close", () => sockets.delete(socket))); });
  server.on("request", (request: Http2ServerRequest, answer: Answer) => {
    void serve(byHost, request, answer).then((one) => seen.push(one), () => { answer.destroy(); });
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const host = request.headers.host ?? "";
    const upgrade = byHost.get(host)?.upgrade;
    if (upgrade === undefined) socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    else upgrade(request, socket, head, (one) => { seen.push({ host, method: "GET", path: pathOf(request.url), ...one }); });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const host of byHost.keys()) stage.route(host, 443, port);
  return {
    seen, port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function serve(byHost: ReadonlyMap<string, StandIn>, request: Http2ServerRequest, answer: Answer): Promise<Seen> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > BODY_LIMIT_BYTES) throw new Error("the request body is larger than any of these clients sends");
    chunks.push(chunk);
  }
  const host = request.headers[":authority"] ?? request.headers.host ?? "";
  const ask: Ask = {
    method: request.method, target: request.url, path: pathOf(request.url), query: new URL(request.url, "https://stand.in").searchParams,
    host, headers: request.headers, body: Buffer.concat(chunks),
  };
  const standIn = byHost.get(host);
  if (standIn === undefined) throw new Error(`nobody stands in for ${host}`);
  return { host, method: ask.method, path: ask.path, ...await standIn.serve(ask, answer) };
}

function pathOf(target = "/"): string {
  return target.split("?", 1)[0] ?? "/";
}

/** An answer in JSON. */
export function sendJson(answer: Answer, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  const text = JSON.stringify(body);
  answer.writeHead(status, { "content-type": "application/json", "content-length": String(Buffer.byteLength(text)), ...headers }).end(text);
}

/** What was sent as JSON. @returns undefined if it is no JSON */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
