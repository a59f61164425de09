import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Secret } from "../../common/secret.ts";
import { BUNDLE_LIMIT_BYTES } from "../../proxy/operator.ts";
import { isBundleName, UnexpectedBundleError, type BundleFolder, type StoredBundle } from "./bundle-folder.ts";

const HEAD_LIMIT_BYTES = 16 * 1_024;
const REQUEST_TIMEOUT_MS = 60_000;
const CONNECTION_LIMIT = 1_024;

export interface BundleServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly folder: BundleFolder;
  /** Who may read; null: everybody who reaches the port. */
  readonly readToken: Secret | null;
  /** Who may publish; null: nobody. */
  readonly pushToken: Secret | null;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** One line for each bundle that was published or refused. */
  readonly announce: (line: string) => void;
}

export interface BundleServer {
  readonly url: string;
  close(): Promise<void>;
}

/** An answer in one line; `etag` of what is there now. */
interface Answer {
  readonly status: number;
  readonly text?: string;
  readonly etag?: string;
}

/**
 * Serves a folder of bundles by OPA's bundle API: `GET /NAME.tar.gz` with ETag and If-None-Match, HEAD, and PUT with If-Match for whoever has the token.
 * @throws UserError if it cannot listen
 */
export async function openBundleServer(options: BundleServerOptions): Promise<BundleServer> {
  const { host, port, tls } = options;
  const limits = { maxHeaderSize: HEAD_LIMIT_BYTES, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: 5_000 };
  const serve: RequestListener = (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      options.announce(`${request.method} failed: ${describeError(error)}`);
      if (response.headersSent) request.socket.destroy();
      else end(response, { status: 500, text: "the bundle cannot be read" });
    });
  };
  const server = tls === null ? createHttpServer(limits, serve) : createHttpsServer({ ...limits, ...tls, minVersion: "TLSv1.2" }, serve);
  server.maxConnections = CONNECTION_LIMIT;
  await listen(server, host, port);
  const bound = server.address() as AddressInfo;
  return {
    url: `${tls === null ? "http" : "https"}://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}/`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, options: BundleServerOptions): Promise<void> {
  const { folder, readToken, pushToken } = options;
  const name = (request.url ?? "").slice(1);
  const isPush = request.method === "PUT";
  if (!isPush && request.method !== "GET" && request.method !== "HEAD") return end(response, { status: 405, text: "GET, HEAD and PUT are served" });
  if (isPush && pushToken === null) return end(response, { status: 403, text: "nobody may publish here: serve with --push-token-file" });
  const wanted = isPush ? pushToken : readToken;
  if (wanted !== null && !bears(request, wanted)) return end(response, { status: 401, text: "another bearer token is needed" });
  if (!isBundleName(name)) return end(response, { status: 404, text: "there is no such bundle" });
  if (isPush) return end(response, await take(request, name, options));
  const stored = await folder.read(name);
  if (stored === null) return end(response, { status: 404, text: "there is no such bundle" });
  send(request, response, stored);
}

function send(request: IncomingMessage, response: ServerResponse, { packed, etag }: StoredBundle): void {
  const head = { etag, "cache-control": "no-cache" };
  if (names(request.headers["if-none-match"], etag)) {
    response.writeHead(304, head).end();
  } else {
    response.writeHead(200, { ...head, "content-type": "application/gzip", "content-length": packed.byteLength }).end(request.method === "HEAD" ? undefined : packed);
  }
}

/** A publisher says what it replaces: the bundle that it saw (If-Match), or none (If-None-Match: *). */
async function take(request: IncomingMessage, name: string, { folder, announce }: BundleServerOptions): Promise<Answer> {
  const { "if-match": ifMatch, "if-none-match": ifNoneMatch } = request.headers;
  if (ifMatch === undefined && ifNoneMatch !== "*") {
    return { status: 428, text: "say with If-Match which bundle is replaced, or with If-None-Match: * that there is none" };
  }
  const packed = await readBody(request);
  if (packed === null) return { status: 413, text: `the bundle is larger than ${BUNDLE_LIMIT_BYTES} bytes` };
  try {
    const isNew = await folder.publish(name, packed, (now) => (now === null ? ifNoneMatch === "*" : names(ifMatch, now.etag)));
    announce(`${name}: ${isNew ? `published, ${packed.byteLength} bytes` : "published again, the same as before"}`);
    const stored = await folder.read(name);
    return { status: 200, text: isNew ? "published" : "the same bundle was there", ...(stored === null ? {} : { etag: stored.etag }) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    announce(`${name}: refused: ${error.message}`);
    return { status: error instanceof UnexpectedBundleError ? 412 : 409, text: error.message };
  }
}

/** @returns null for more than a bundle may be; whoever did not say so in the head loses the connection */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  if (Number(request.headers["content-length"] ?? 0) > BUNDLE_LIMIT_BYTES) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > BUNDLE_LIMIT_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Whether a list of entity tags holds this one (RFC 9110 §13.1); a weak one counts, as the bytes are the same. */
function names(header: string | undefined, etag: string): boolean {
  return header !== undefined && header.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

function bears({ headers: { authorization = "" } }: IncomingMessage, token: Secret): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(authorization), digest(`Bearer ${token.reveal()}`));
}

function end(response: ServerResponse, { status, text = "", etag }: Answer): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...(etag === undefined ? {} : { etag }), ...(status >= 400 ? { connection: "close" } : {}),
    ...(status === 401 ? { "www-authenticate": "Bearer" } : {}), ...(status === 405 ? { allow: "GET, HEAD, PUT" } : {}),
  });
  response.end(`${text}\n`);
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UserError(`cannot listen on ${host}:${port}: ${code === "EADDRINUSE" ? "the port is in use" : message}`,
      "Name another with --address.", EXIT.config, { cause: error });
  }
}
