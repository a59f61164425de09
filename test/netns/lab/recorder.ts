import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { parsePreamble, parsePreambleHead, PREAMBLE_HEAD_BYTES, type Preamble } from "../../../common/preamble.ts";

/** A stand-in for the node proxy that says where a connection wanted to go; it opens no connection itself. */
export interface Recorder {
  readonly server: Server;
  readonly preambles: Preamble[];
  /** Connections that did not begin with a preamble. */
  readonly untagged: () => number;
  /** What happens with a TCP connection after the greeting; the default ends it. */
  onConnection: (socket: Socket, preamble: Preamble, first: Buffer) => void;
  close(): Promise<void>;
}

/** @param listen as for `server.listen`: a Unix socket or a port of the network namespace that this process is in */
export async function openRecorder(listen: { path: string } | { host: string; port: number }): Promise<Recorder> {
  let untagged = 0;
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true });
  const recorder: Recorder = {
    server, preambles: [], untagged: () => untagged,
    onConnection: (socket, { destination }) => { socket.end(`relayed ${destination.address} ${destination.port}\n`); },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket)).on("error", () => {});
    readPreamble(socket).then(({ preamble, rest }) => {
      recorder.preambles.push(preamble);
      if (preamble.transport === "tcp") recorder.onConnection(socket, preamble, rest);
      else echo(socket, rest);
    }).catch(() => {
      untagged += 1;
      socket.destroy();
    });
  });
  server.listen(listen);
  await once(server, "listening");
  return recorder;
}

/** A DNS message comes back as it is. */
function echo(socket: Socket, first: Buffer): void {
  if (first.byteLength > 0) socket.write(first);
  socket.on("data", (chunk) => { socket.write(chunk); });
  socket.on("end", () => { socket.end(); });
  socket.resume();
}

async function readPreamble(socket: Socket): Promise<{ preamble: Preamble; rest: Buffer }> {
  let seen: Buffer = Buffer.alloc(0);
  for (;;) {
    const want = seen.byteLength < PREAMBLE_HEAD_BYTES ? PREAMBLE_HEAD_BYTES : parsePreambleHead(seen);
    if (seen.byteLength >= PREAMBLE_HEAD_BYTES && seen.byteLength >= want) {
      return { preamble: parsePreamble(seen.subarray(0, want)), rest: seen.subarray(want) };
    }
    const chunk = socket.read() as Buffer | null;
    if (chunk !== null) seen = Buffer.concat([seen, chunk]);
    else if (socket.readableEnded || socket.destroyed) throw new Error("ended within the preamble");
    else await Promise.race([once(socket, "readable"), once(socket, "end"), once(socket, "close")]);
  }
}
