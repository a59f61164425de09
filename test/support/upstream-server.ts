import { createHash } from "node:crypto";
import { once } from "node:events";
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable, type Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { PemPair } from "./tls-authority.ts";

/** One request as the destination parsed it, its body whole. */
export interface SeenRequest {
  readonly httpVersion: "1.0" | "1.1" | "2.0";
  readonly method: string;
  readonly path: string;
  /** Lower-case names; pseudo-headers of HTTP/2 included. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Name, value, name, value, as received. */
  readonly rawHeaders: readonly string[];
  readonly serverName: string | null;
  readonly bodyBytes: number;
  readonly bodySha256: string;
}

/** A destination of the tests: real TLS, HTTP/1.1 and HTTP/2 by ALPN. */
export interface UpstreamServer {
  readonly address: string;
  readonly port: number;
  /** Every request that arrived whole, in order of arrival. */
  readonly requests: readonly SeenRequest[];
  close(): Promise<void>;
}

export interface UpstreamOptions {
  readonly address?: string;
  readonly port?: number;
  /** Told of each request when it has arrived whole, before it is answered. */
  readonly onRequest?: (seen: SeenRequest) => void;
  /** JSON by path, in place of the routes. */
  readonly answers?: Readonly<Record<string, object>>;
}

type Answer = (url: URL, request: Http2ServerRequest, response: Http2ServerResponse, seen: SeenRequest) => Promise<void> | void;

/**
 * Routes. `/echo` sends the parsed request back as JSON (a hostile echo service: credentials included); `/sse?events=3&everyMs=10` streams
 * server-sent events; `/bytes?size=N` streams N bytes; `/status?code=N` answers with it; `/redirect?to=URL` answers 302; `/slow` sends headers
 * and then nothing; anything else answers 200 `ok`.
 */
const ROUTES: Readonly<Record<string, Answer>> = {
  "/echo": (_url, _request, response, seen) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(seen));
  },
  "/sse": async (url, _request, response) => {
    const everyMs = Number(url.searchParams.get("everyMs") ?? "10");
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    for (let event = 1; event <= Number(url.searchParams.get("events") ?? "3") && !response.stream?.destroyed; event += 1) {
      response.write(`id: ${event}\ndata: {"event":${event}}\n\n`);
      await sleep(everyMs);
    }
    response.end();
  },
  "/bytes": async (url, _request, response) => {
    const size = Number(url.searchParams.get("size") ?? "1024");
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": String(size) });
    await pipeline(Readable.from(filler(size)), response);
  },
  "/status": (url, _request, response) => {
    response.writeHead(Number(url.searchParams.get("code") ?? "200"), { "content-type": "text/plain" }).end("status\n");
  },
  "/redirect": (url, _request, response) => {
    response.writeHead(302, { location: url.searchParams.get("to") ?? "/" }).end();
  },
  "/slow": (_url, _request, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    response.write("started\n");
  },
};

/**
 * Starts a destination that presents `identity`; which names it answers under is the leaf's and the dialler's business.
 * @param options where it listens; default 127.0.0.1 and any free port
 */
export async function startUpstream(identity: PemPair, options: UpstreamOptions = {}): Promise<UpstreamServer> {
  const requests: SeenRequest[] = [];
  const server = createSecureServer({ cert: identity.certPem, key: identity.keyPem, allowHTTP1: true });
  server.on("request", (request, response) => {
    answer({ requests, options }, request, response).catch(() => { response.stream?.destroy(); request.socket.destroy(); });
  });
  const close = closerOf(server);
  server.on("upgrade", (request: Http2ServerRequest, socket: Duplex) => { upgrade(requests, request, socket); });
  const address = options.address ?? "127.0.0.1";
  server.listen(options.port ?? 0, address);
  await once(server, "listening");
  return { address, port: (server.address() as AddressInfo).port, requests, close };
}

interface Witnesses {
  readonly requests: SeenRequest[];
  readonly options: UpstreamOptions;
}

async function answer({ requests, options }: Witnesses, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
  const hash = createHash("sha256");
  let bodyBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bodyBytes += chunk.byteLength;
  }
  const seen = describe(request, bodyBytes, hash.digest("hex"));
  requests.push(seen);
  options.onRequest?.(seen);
  const url = new URL(request.url, "https://upstream.test");
  const route = ROUTES[url.pathname];
  const prepared = options.answers?.[url.pathname];
  if (prepared !== undefined) response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(prepared));
  else if (route === undefined) response.writeHead(200, { "content-type": "text/plain" }).end("ok\n");
  else await route(url, request, response, seen);
}

/** A WebSocket handshake (RFC 6455 §4.2.2), then every byte is sent back as it came: frames are not looked into. */
function upgrade(requests: SeenRequest[], request: Http2ServerRequest, socket: Duplex): void {
  requests.push(describe(request, 0, createHash("sha256").digest("hex")));
  const accept = createHash("sha1").update(`${String(request.headers["sec-websocket-key"])}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.on("data", (chunk: Buffer) => { socket.write(chunk); });
  socket.on("end", () => { socket.end(); });
  socket.on("error", () => { socket.destroy(); });
}

function describe(request: Http2ServerRequest, bodyBytes: number, bodySha256: string): SeenRequest {
  const { servername } = request.socket as { servername?: string | false };
  return {
    httpVersion: request.httpVersion as SeenRequest["httpVersion"], method: request.method, path: request.url,
    headers: { ...request.headers }, rawHeaders: [...request.rawHeaders],
    serverName: typeof servername === "string" ? servername : null, bodyBytes, bodySha256,
  };
}

/** Ends open connections too: a test must not wait for a client's keep-alive. */
function closerOf(server: Http2SecureServer): () => Promise<void> {
  const sockets = new Set<Duplex>();
  server.on("secureConnection", (socket: Duplex) => {
    sockets.add(socket);
    socket.on("error", () => { socket.destroy(); });
    socket.once("close", () => { sockets.delete(socket); });
  });
  return async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}

function* filler(size: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024, "0123456789abcdef");
  for (let left = size; left > 0; left -= chunk.byteLength) yield chunk.subarray(0, Math.min(left, chunk.byteLength));
}
