import type { Opened } from "../model/connection.ts";
import type { ServeExchange } from "../model/incoming.ts";
import type { HandlerContext } from "../model/protocol-handlers.ts";
import type { Http2Config } from "./config.ts";
import { Http2Connection } from "./http2-connection.ts";

export interface Http2 {
  serveHttp2(opened: Opened, context: HandlerContext): Promise<void>;
  close(): void;
}

const CHECK_INTERVAL_MS = 1_000;

/** HTTP/2 from agents: one node session for each connection, one clock that looks at all of them. */
export function openHttp2(config: Http2Config, serve: ServeExchange): Http2 {
  const connections = new Set<Http2Connection>();
  const clock = setInterval(() => {
    const nowMs = performance.now();
    for (const connection of connections) connection.check(nowMs);
  }, CHECK_INTERVAL_MS).unref();

  return {
    async serveHttp2(opened, context) {
      const connection = new Http2Connection(opened, context, serve, config);
      connections.add(connection);
      try {
        await connection.ended;
      } finally {
        connections.delete(connection);
      }
    },
    close: () => { clearInterval(clock); },
  };
}
