import { unreachable } from "../../common/unreachable.ts";
import type { Opened } from "../model/connection.ts";
import type { HandlerContext, ProtocolHandlers } from "../model/protocol-handlers.ts";

/**
 * in: Opened · out: nothing, when the connection is over · ends early with: protocol.unsupported · next: proxy/protocols/
 *
 * Gives the clear bytes to the handler of their protocol, which owns them until it resolves.
 */
export async function handOver(opened: Opened, handlers: ProtocolHandlers, context: HandlerContext): Promise<void> {
  switch (opened.alpn) {
    case "h2": return handlers.serveHttp2(opened, context);
    case "http/1.1": return handlers.serveHttp1(opened, context);
    default: return unreachable(opened.alpn);
  }
}
