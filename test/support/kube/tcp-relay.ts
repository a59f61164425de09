import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";

/** A way to a server that a test can spoil: the two ends keep their sockets, what is between them is ours. */
export interface TcpRelay {
  readonly port: number;
  /** Connections taken so far. */
  readonly accepted: number;
  /** Forwards nothing any more, and says nothing: on old connections and on new ones. */
  stall(): void;
  /** New connections are forwarded again; the stalled ones stay so. */
  recover(): void;
  /** Ends every connection. */
  cut(): void;
  close(): Promise<void>;
}

/** What passes between two ends of a connection, until it does not. */
interface Gate {
  isShut: boolean;
}

export async function startTcpRelay(target: { readonly host: string; readonly port: number }): Promise<TcpRelay> {
  const sockets = new Set<Socket>();
  const gates = new Set<Gate>();
  let isStalled = false;
  let accepted = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
  };
  const server = createServer((client) => {
    accepted += 1;
    const gate: Gate = { isShut: isStalled };
    gates.add(gate);
    const ends = [keep(client), keep(connect(target.port, target.host))] as const;
    const both = [pipeline(ends[0], through(gate), ends[1]), pipeline(ends[1], through(gate), ends[0])];
    void Promise.allSettled(both).then(() => gates.delete(gate));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => { for (const socket of sockets) socket.destroy(); };
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() { return accepted; },
    stall: () => {
      isStalled = true;
      for (const gate of gates) gate.isShut = true;
    },
    recover: () => { isStalled = false; },
    cut,
    close: async () => {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

/** Never calls back once the gate is shut: no error, no end, only silence. */
function through(gate: Gate): Transform {
  return new Transform({ transform: (chunk, _encoding, done) => { if (!gate.isShut) done(null, chunk); } });
}
