import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";

/** One address in front of several servers, of which some may be gone: what a Service does in a cluster. */
export interface ServiceDoor {
  close(): Promise<void>;
}

/** @param host as the clients call it @param targets ports of that host, in any order; those that do not answer are passed over */
export async function openServiceDoor(host: string, port: number, targets: () => readonly number[]): Promise<ServiceDoor> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
  };
  let turn = 0;
  const pass = async (client: Socket): Promise<void> => {
    const ports = targets();
    turn += 1;
    const upstream = await reach(host, ports.map((_, index) => ports[(index + turn) % ports.length] ?? 0));
    if (upstream === null) client.destroy();
    else await Promise.allSettled([pipeline(client, keep(upstream)), pipeline(upstream, client)]);
  };
  const server = createServer((client) => { void pass(keep(client)); });
  server.listen(port, host);
  await once(server, "listening");
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** @returns null if none of them answers */
async function reach(host: string, ports: readonly number[]): Promise<Socket | null> {
  for (const port of ports) {
    const socket = connect(port, host);
    const isOpen = await once(socket, "connect").then(() => true, () => false);
    if (isOpen) return socket;
  }
  return null;
}
