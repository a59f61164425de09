import { Server } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Opened } from "../model/connection.ts";
import type { ServeExchange } from "../model/incoming.ts";
import type { HandlerContext } from "../model/protocol-handlers.ts";
import type { Http1Config } from "./config.ts";
import { Http1Connection } from "./http1-connection.ts";

export interface Http1 {
  serveHttp1(opened: Opened, context: HandlerContext): Promise<void>;
  /** Stops the clock that looks for late heads. Connections end by their own signals. */
  close(): void;
}

const CHECK_INTERVAL_MS = 1_000;

/**
 * HTTP/1.x from agents by one `node:http` server that never listens: connections are handed to it. Its parser is strict (llhttp without
 * lenient flags); what it lets through all the same is refused in proxy/exchange/read-head.ts, on the raw fields.
 */
export function openHttp1(config: Http1Config, serve: ServeExchange): Http1 {
  const connections = new WeakMap<Duplex, Http1Connection>();
  const of = (stream: Duplex): Http1Connection | undefined => connections.get(stream);
  const server = openServer(config, (request) => of(request.socket)?.mayUpgrade(request) ?? false);
  server.on("request", (request, response) => { of(request.socket)?.onRequest(request, response, false); });
  server.on("checkContinue", (request, response) => { of(request.socket)?.onRequest(request, response, true); });
  server.on("checkExpectation", (request, response) => { of(request.socket)?.onRequest(request, response, false); });
  const detached = (request: IncomingMessage, stream: Duplex, head: Buffer): void => { of(request.socket)?.onDetached(request, stream, head); };
  server.on("upgrade", detached).on("connect", detached);
  server.on("clientError", (error, stream) => { of(stream)?.onParserError(error); });

  return {
    serveHttp1(opened, context) {
      const connection = new Http1Connection(opened, context, serve, config);
      connections.set(opened.stream, connection);
      server.emit("connection", opened.stream);
      return connection.ended;
    },
    close: () => { server.close(); },
  };
}

function openServer(config: Http1Config, shouldUpgradeCallback: (request: IncomingMessage) => boolean): Server {
  const server = new Server({
    maxHeaderSize: config.maxHeadBytes,
    headersTimeout: config.headTimeoutMs,
    // Bodies have their own idle limit (proxy/exchange/relay.ts): an upload may take as long as it flows.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, config.headTimeoutMs),
    keepAliveTimeout: config.keepAliveTimeoutMs,
    insecureHTTPParser: false,
    // Ours to refuse, so that it is recorded.
    requireHostHeader: false,
    optimizeEmptyRequests: true,
    shouldUpgradeCallback,
  });
  // No limit in the parser: beyond it fields would be dropped in silence. The count is checked, and refused, in http1-connection.ts.
  server.maxHeadersCount = 0;
  // The clock that enforces headersTimeout starts with this event, which a server that never listens does not emit by itself.
  server.emit("listening");
  return server;
}
