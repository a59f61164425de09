import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";
import type { PemPair } from "./tls-authority.ts";

/** A syslog receiver that the test can stop from reading; what it takes apart are RFC 5425 frames, nothing else. */
export class SyslogReceiver {
  readonly received: string[] = [];
  /** While false, connections are reset with everything unread. */
  isReading = true;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(leaf: PemPair): Promise<SyslogReceiver> {
    const server = createServer({ cert: leaf.certPem, key: leaf.keyPem });
    const receiver = new SyslogReceiver(server);
    server.on("secureConnection", (socket) => { receiver.#serve(socket); });
    server.on("connection", (socket: Socket) => { if (!receiver.isReading) socket.resetAndDestroy(); });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(async () => {
      server.close();
      await once(server, "close");
    });
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #serve(socket: TLSSocket): void {
    socket.on("error", () => { socket.destroy(); });
    let held = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let frame = frameOf(held); frame !== null; frame = frameOf(held)) {
        this.received.push(frame.message);
        held = held.subarray(frame.bytes);
      }
    });
  }
}

function frameOf(bytes: Buffer): { message: string; bytes: number } | null {
  const space = bytes.indexOf(" ");
  const length = Number(bytes.toString("ascii", 0, Math.max(space, 0)));
  if (space < 0 || bytes.length < space + 1 + length) return null;
  return { message: bytes.toString("utf8", space + 1, space + 1 + length), bytes: space + 1 + length };
}
