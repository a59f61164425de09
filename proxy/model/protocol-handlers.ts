import type { Identified, Opened } from "./connection.ts";
import type { Usage } from "./usage.ts";

/** What a handler tells the connection's record, and what the connection tells the handler. */
export interface HandlerContext {
  /** Call once for each exchange (or DNS message) that ended, however it ended; adds to the connection's record. Must not throw. */
  readonly exchangeEnded: (usage: Usage) => void;
  /**
   * Aborts when the program begins to stop: finish what is open, begin nothing new, then resolve. The hard end is `signal` of the
   * connection: when it aborts, end everything at once; its reason is an `EgressError`.
   */
  readonly drain: AbortSignal;
}

/**
 * Who takes a connection after its stages (proxy/connection/hand-over.ts). Each call owns the stream until it resolves, which it does when
 * the connection is over, by either side, by `drain` or by the connection's signal. A rejection is the connection's failure: it is
 * recorded with its code and the socket is destroyed. A refused exchange is not a rejection: the handler has answered and recorded it.
 */
export interface ProtocolHandlers {
  /** `opened.stream` carries HTTP/1.x in clear; bytes that were peeked at are back in it. */
  serveHttp1(opened: Opened, context: HandlerContext): Promise<void>;
  /** `opened.stream` is TLS with ALPN `h2`, preface not yet read. */
  serveHttp2(opened: Opened, context: HandlerContext): Promise<void>;
  /** `identified.socket` carries DNS messages, each behind its 16-bit length: transport `dns`, or TCP to port 53. */
  serveDns(identified: Identified, context: HandlerContext): Promise<void>;
}
