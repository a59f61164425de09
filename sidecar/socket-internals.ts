import { Socket, type OnReadOpts } from "node:net";

/**
 * The one file that uses what Node does not document: the handle of a socket. It has been there, with an integer `fd`, since 2011;
 * the self-test in original-destination.ts runs before the first connection is taken.
 */
interface Handled {
  _handle: { readonly fd?: unknown } | null;
}

/** @throws Error if the socket is closed */
export function fileDescriptor(socket: Socket): number {
  const fd = (socket as unknown as Handled)._handle?.fd;
  if (typeof fd !== "number" || fd < 0) throw new Error("the socket has no file descriptor");
  return fd;
}

/**
 * The same accepted connection as a socket that reads into buffers of ours. `net.connect` takes `onread`, `net.createServer` does not,
 * and without it each read allocates: that doubles the CPU for each byte.
 * @param accepted from a server with `pauseOnConnect`; of no use afterwards. The result does not read before `resume()`
 */
export function withReadBuffer(accepted: Socket, onread: OnReadOpts): Socket {
  const inside = accepted as unknown as Handled;
  const handle = inside._handle;
  inside._handle = null;
  // Ends the emptied shell, so that the server counts right.
  accepted.destroy();
  const options: object = { handle, onread, allowHalfOpen: true, manualStart: true };
  return new Socket(options);
}
