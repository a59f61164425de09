import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { AdminConfig } from "./admin-config.ts";
import { EXIT, UserError } from "./exit-codes.ts";
import { PORTS } from "./ports.ts";

/** A registry of metrics, as far as it is served. */
export interface ServedMetrics {
  text(): Promise<{ readonly contentType: string; readonly body: string }>;
  /** Adds what the runtime says of itself. Called once, when there is somebody to read it. */
  observeProcess(): void;
}

export interface AdminContext {
  readonly metrics: ServedMetrics;
  /** Opens at the usual place if the configuration names none. */
  readonly byDefault: boolean;
  /** Whether new work is welcome: doors open, policy loaded, audit healthy, not draining. Must not throw. */
  readonly isReady: () => boolean;
  /** True for the address of an agent: it is told nothing, whatever the network lets through. Must not throw. */
  readonly isAgent?: ((address: string) => boolean) | undefined;
}

export interface AdminServer {
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: string;
}

const HEAD_LIMIT_BYTES = 8 * 1024;

/** Everything there is: no debug pages, no configuration, no way to change anything. */
const PAGES: Readonly<Record<string, (context: AdminContext) => Answer | Promise<Answer>>> = {
  "/healthz": () => ({ status: 200, body: "ok\n" }),
  "/readyz": ({ isReady }) => (isReady() ? { status: 200, body: "ready\n" } : { status: 503, body: "not ready\n" }),
  "/metrics": async ({ metrics }) => ({ status: 200, ...await metrics.text() }),
};

/**
 * Serves /healthz (the process answers), /readyz (it takes new work) and /metrics on a loopback address, or where else the configuration says.
 * @returns null if no address is configured and none is used by default
 * @throws UserError if the address cannot be listened on
 */
export async function openAdmin(config: AdminConfig, context: AdminContext): Promise<AdminServer | null> {
  const address = config.address ?? (context.byDefault ? `127.0.0.1:${PORTS.admin}` : null);
  if (address === null) return null;
  const server = createServer({
    maxHeaderSize: HEAD_LIMIT_BYTES, requestTimeout: config.requestTimeoutMs, headersTimeout: config.requestTimeoutMs,
    keepAliveTimeout: config.requestTimeoutMs, connectionsCheckingInterval: 1_000, insecureHTTPParser: false,
  });
  server.maxConnections = config.maxConnections;
  server.on("connection", (socket) => {
    if (context.isAgent?.(peerAddress(socket)) === true) socket.destroy();
  });
  server.on("request", (request, response) => {
    response.setTimeout(config.requestTimeoutMs, () => { request.socket.destroy(); });
    answer(request, response, context).catch(() => { request.socket.destroy(); });
  });
  await listen(server, address);
  context.metrics.observeProcess();
  const { port, address: host, family } = server.address() as AddressInfo;
  return { url: `http://${family === "IPv6" ? `[${host}]` : host}:${port}`, close: async () => close(server) };
}

async function answer(request: IncomingMessage, response: ServerResponse, context: AdminContext): Promise<void> {
  // A body is never read: the connection ends with the answer.
  if (request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined) response.setHeader("connection", "close");
  const { status, contentType = "text/plain; charset=utf-8", body } = await find(request, context);
  response.writeHead(status, { "content-type": contentType, "cache-control": "no-store", ...(status === 405 ? { allow: "GET, HEAD" } : {}) });
  response.end(request.method === "HEAD" ? "" : body);
}

async function find(request: IncomingMessage, context: AdminContext): Promise<Answer> {
  const path = request.url ?? "";
  const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
  if (page === undefined) return { status: 404, body: "not found\n" };
  if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, body: "method not allowed\n" };
  return page(context);
}

/** IPv4 peers of an IPv6 listener have a mapped address (RFC 4291 §2.5.5.2). */
function peerAddress({ remoteAddress = "" }: Socket): string {
  return remoteAddress.startsWith("::ffff:") ? remoteAddress.slice("::ffff:".length) : remoteAddress;
}

async function listen(server: Server, address: string): Promise<void> {
  const at = address.lastIndexOf(":");
  server.listen({ host: address.slice(0, at).replaceAll(/[[\]]/g, ""), port: Number(address.slice(at + 1)) });
  try {
    await once(server, "listening");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "the port is in use" : code === "EACCES" ? "permission denied" : message;
    throw new UserError(`cannot open the admin port ${address}: ${reason}`, "Set admin.address to a free port, or stop what uses this one.", EXIT.config, { cause: error });
  }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}
