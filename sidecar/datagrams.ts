/**
 * in: DNS datagram · out: the same message on a tagged connection, and its answers back · ends early with: the datagram is dropped · next: proxy/connection/accept.ts
 *
 * One tagged connection for each client (address and port), each message behind its length (RFC 7766 §8), so that the namespace
 * needs exactly one way out. Messages are not read.
 */
import { createSocket, type RemoteInfo, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import type { Socket } from "node:net";
import { encodePreamble } from "../common/preamble.ts";
import { dialProxy, type RelayContext } from "./relay.ts";
import type { Door } from "./settings.ts";

/** Longer than any resolver waits for an answer before it asks again; in milliseconds. */
const FLOW_IDLE_MS = 10_000;
/** Questions of one client that the proxy has not taken yet; above it they are dropped. In bytes. */
const FLOW_BACKLOG_BYTES = 64 * 1024;
const LENGTH_BYTES = 2;
const DNS_PORT = 53;

export class DatagramRelay {
  readonly #context: RelayContext;
  readonly #flowLimit: number;
  readonly #flows = new Map<string, Socket>();
  readonly #sockets: DatagramSocket[] = [];

  constructor(context: RelayContext, flowLimit: number) {
    this.#context = context;
    this.#flowLimit = flowLimit;
  }

  /** @throws Error if the port is taken or the address does not exist here */
  async listen(address: "127.0.0.1" | "::1", { dnsPort, container }: Door): Promise<void> {
    const socket = createSocket({ type: address === "::1" ? "udp6" : "udp4" });
    socket.on("message", (message, from) => { this.#take(message, { from, socket, address, container }); });
    socket.bind(dnsPort, address);
    await once(socket, "listening");
    socket.on("error", (error) => { this.#context.trouble.note("dns.socket-failed", error.message); });
    this.#sockets.push(socket);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
    for (const flow of this.#flows.values()) flow.destroy();
  }

  #take(message: Buffer, arrival: Arrival): void {
    const key = `${arrival.container ?? ""} ${arrival.from.address} ${arrival.from.port}`;
    try {
      const flow = this.#flows.get(key) ?? this.#open(key, arrival);
      if (flow.writableLength > FLOW_BACKLOG_BYTES) return;
      flow.write(withLength(message));
    } catch (error) {
      this.#context.trouble.note("dns.dropped", (error as Error).message);
    }
  }

  #open(key: string, { from, socket, address, container }: Arrival): Socket {
    if (this.#flows.size >= this.#flowLimit) throw new Error("too many DNS clients");
    const preamble = encodePreamble({
      transport: "dns",
      source: { address: from.address, port: from.port },
      // Where a datagram was meant to go is not known after the redirection, and does not matter: the proxy answers for every server.
      destination: { address, port: DNS_PORT },
      token: this.#context.token.read(),
      connectionId: this.#context.nextConnectionId(),
      container,
    });
    const flow = dialProxy(this.#context.proxy);
    this.#flows.set(key, flow);
    flow.write(preamble);
    flow.once("connect", () => { flow.setTimeout(FLOW_IDLE_MS, () => { flow.destroy(); }); });
    flow.on("data", messageReader((answer) => { socket.send(answer, from.port, from.address); }));
    flow.on("end", () => { flow.destroy(); });
    flow.on("error", (error) => { this.#context.trouble.note("proxy.connection-failed", error.message); });
    flow.on("close", () => { this.#flows.delete(key); });
    return flow;
  }
}

interface Arrival {
  readonly from: RemoteInfo;
  readonly socket: DatagramSocket;
  readonly address: string;
  readonly container: string | null;
}

function withLength(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(LENGTH_BYTES + message.byteLength);
  framed.writeUInt16BE(message.byteLength);
  message.copy(framed, LENGTH_BYTES);
  return framed;
}

/** Cuts a stream into messages; keeps at most one that is not whole, which its length field limits to 64 KiB. */
export function messageReader(onMessage: (message: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.byteLength >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readUInt16BE();
      if (rest.byteLength < end) return;
      onMessage(rest.subarray(LENGTH_BYTES, end));
      rest = rest.subarray(end);
    }
  };
}
