import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Stand } from "./running-proxy.ts";

/** A way into the boundary for programs that run as they are: takes CONNECT on loopback, resolves and dials as the agent would. */
export interface ConnectRelay {
  /** For the program's setting of a proxy. */
  readonly url: string;
  /** File with the boundary's CA, which the program has to trust. */
  readonly caFile: string;
  close(): Promise<void>;
}

const CONNECT = /^CONNECT ([^:\s]+):(\d+) HTTP\/1\.1\r\n/;

export async function startConnectRelay(stand: Stand): Promise<ConnectRelay> {
  const caFile = join(stand.directory, "boundary-ca.pem");
  writeFileSync(caFile, stand.proxy.caPem);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    relay(stand, socket).catch(() => { socket.destroy(); });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, caFile,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The head of a CONNECT is the first thing that a program sends, in one piece. */
async function relay(stand: Stand, agent: Socket): Promise<void> {
  const [head] = await once(agent, "data") as [Buffer];
  const [, name = "", port = ""] = CONNECT.exec(head.toString("latin1")) ?? [];
  agent.pause();
  const boundary = await stand.dial({ address: await stand.resolve(name), port: Number(port) });
  agent.write("HTTP/1.1 200 OK\r\n\r\n");
  boundary.on("data", (chunk: Buffer) => { agent.write(chunk); }).on("end", () => { agent.end(); }).on("error", () => { agent.destroy(); }).on("close", () => { agent.destroy(); });
  agent.on("data", (chunk: Buffer) => { boundary.write(chunk); }).on("end", () => { boundary.end(); }).on("close", () => { boundary.destroy(); });
  agent.resume();
}
