import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { InMemoryEventStore } from "@modelcontextprotocol/sdk/examples/shared/inMemoryEventStore.js";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { StreamableHTTPServerTransport, type StreamableHTTPServerTransportOptions } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { PemPair } from "../tls-authority.ts";
import { sessionServer } from "./session-server.ts";
import { statelessHandler } from "./stateless-server.ts";

/** A server of MCP with every transport, each at a path of its own, in TLS. */
export interface McpDestination {
  readonly port: number;
  /** Bodies of POST that arrived, in order. */
  readonly bodies: readonly string[];
  /** Of the same requests. */
  readonly headers: readonly IncomingHttpHeaders[];
  /** Paths of GET that arrived. */
  readonly streams: readonly string[];
  /** Ends every connection: streams have to be resumed. */
  dropConnections(): void;
  close(): Promise<void>;
}

interface Seen {
  readonly headers: IncomingHttpHeaders[];
  readonly bodies: string[];
  readonly streams: string[];
}

export interface RawAnswer {
  readonly type: string;
  readonly text: string;
}

type Handle = (request: IncomingMessage, response: ServerResponse, body: unknown) => Promise<void>;

export const PATHS = { events: "/mcp", json: "/json", sessionless: "/sessionless", sse: "/sse", messages: "/messages", stateless: "/stateless", raw: "/raw" } as const;

/** @param raw answers POST and GET to `/raw`, in place of any library */
export async function startMcpDestination({ certPem, keyPem }: PemPair, raw: () => RawAnswer): Promise<McpDestination> {
  const seen: Seen = { headers: [], bodies: [], streams: [] };
  const routes: Readonly<Record<string, Handle>> = {
    [PATHS.events]: sessions({ eventStore: new InMemoryEventStore() }),
    [PATHS.json]: sessions({ enableJsonResponse: true }),
    [PATHS.sessionless]: sessionless(),
    ...legacy(),
    [PATHS.stateless]: statelessHandler(),
    [PATHS.raw]: async (_request, response) => {
      const { type, text } = raw();
      response.writeHead(200, { "content-type": type }).end(text);
    },
  };
  const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
    serve(request, response, routes, seen).catch(() => { response.destroy(); });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, ...seen,
    dropConnections: () => { server.closeAllConnections(); },
    close: async () => closed(server),
  };
}

async function serve(request: IncomingMessage, response: ServerResponse, routes: Readonly<Record<string, Handle>>, { headers, bodies, streams }: Seen): Promise<void> {
  const text = request.method === "POST" ? await textOf(request) : "";
  if (text !== "") {
    bodies.push(text);
    headers.push(request.headers);
  }
  const { pathname } = new URL(request.url ?? "/", "https://x");
  if (request.method === "GET") streams.push(pathname);
  const route = routes[pathname];
  if (route === undefined) response.writeHead(404).end();
  else await route(request, response, text === "" ? undefined : JSON.parse(text) as unknown);
}

/** Sessions by `Mcp-Session-Id`. */
function sessions(options: Partial<StreamableHTTPServerTransportOptions>): Handle {
  const open = new Map<string, StreamableHTTPServerTransport>();
  return async (request, response, body) => {
    const id = request.headers["mcp-session-id"];
    const known = typeof id === "string" ? open.get(id) : undefined;
    if (known !== undefined) return await known.handleRequest(request, response, body);
    const transport = new StreamableHTTPServerTransport({ ...options, sessionIdGenerator: randomUUID, onsessioninitialized: (session) => { open.set(session, transport); } });
    await sessionServer().connect(transport);
    await transport.handleRequest(request, response, body);
  };
}

function sessionless(): Handle {
  return async (request, response, body) => {
    const transport = new StreamableHTTPServerTransport({});
    await sessionServer().connect(transport);
    await transport.handleRequest(request, response, body);
  };
}

/** HTTP with SSE, of 2024-11-05. */
function legacy(): Readonly<Record<string, Handle>> {
  const open = new Map<string, SSEServerTransport>();
  return {
    [PATHS.sse]: async (_request, response) => {
      const transport = new SSEServerTransport(PATHS.messages, response);
      open.set(transport.sessionId, transport);
      await sessionServer().connect(transport);
    },
    [PATHS.messages]: async (request, response, body) => {
      const session = new URL(request.url ?? "/", "https://x").searchParams.get("sessionId") ?? "";
      await open.get(session)?.handlePostMessage(request, response, body);
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
