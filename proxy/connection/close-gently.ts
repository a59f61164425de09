import type { Duplex } from "node:stream";
import type { Accepted } from "../model/connection.ts";

/**
 * Sends the last bytes, then waits until the other side has ended too, at most `lingerMs`, throwing away what it still sends: closing with
 * unread bytes would make the kernel send a reset, and a reset takes the refusal away before it is read (RFC 9112 §9.6). Never throws.
 */
export async function closeGently(stream: Duplex, last: Buffer, lingerMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, lingerMs);
  const onNews = () => { if (stream.destroyed || (stream.readableEnded && stream.writableFinished)) resolve(); };
  for (const event of ["finish", "end", "close", "error"]) stream.on(event, onNews);
  if (stream.writable) stream.end(last);
  stream.resume();
  onNews();
  await promise;
  clearTimeout(timer);
}

/**
 * Ends a connection so that nobody takes what was sent for complete: a TCP reset. A Unix socket has no reset; its peer sees an end, or an
 * error if it had sent something that was not read.
 */
export function reset({ socket, peer }: Pick<Accepted, "socket" | "peer">): void {
  if (peer.kind === "tcp" && !socket.destroyed) socket.resetAndDestroy();
  else socket.destroy();
}
