import type { Accepted } from "../model/connection.ts";
import type { ConnectionEntry } from "./connection-entry.ts";
import type { ConnectionSlots } from "./connection-slots.ts";

/**
 * in: ConnectionEntry · out: Accepted · ends early with: connection.limit · next: identify.ts
 *
 * Takes a place among the open connections before a byte is read; the entry gives it back at the end. What happens to the socket later
 * is seen where it is read or written: the listener here only keeps an early reset from being an uncaught error.
 */
export function accept(entry: ConnectionEntry, slots: ConnectionSlots): Accepted {
  const { id, peer, socket } = entry.accepted;
  socket.on("error", () => {});
  slots.enter(id, peer);
  entry.atClose(() => { slots.leave(id); });
  return entry.accepted;
}
