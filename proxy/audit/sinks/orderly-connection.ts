import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";

export interface OrderlyOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: ConnectionOptions;
  /** Longest silence of the receiver while something is expected of it, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * A TLS connection for one direction whose end says whether all was read. After our end the receiver's kernel sends FIN if its process had read
 * everything when it closed, and RST if bytes were left (RFC 9293 §3.6.1 lets it, Linux does it). The TLS closure alert says nothing of the
 * kind: a receiver that is shut down sends it too. So the FIN is watched for below TLS.
 */
export class OrderlyConnection {
  readonly #socket: Socket;
  readonly #tls: TLSSocket;
  readonly #ended: Promise<void>;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;

  private constructor(options: OrderlyOptions, signal: AbortSignal) {
    const { host, port, timeoutMs } = options;
    const socket = connectTcp({ host, port, allowHalfOpen: true, noDelay: true });
    this.#socket = socket;
    this.#signal = signal;
    this.#onAbort = () => { socket.destroy(new Error("stopping")); };
    signal.addEventListener("abort", this.#onAbort, { once: true });
    socket.setTimeout(timeoutMs, () => { socket.destroy(new Error(`${host}:${port} did not answer in ${timeoutMs} ms`)); });
    this.#ended = endOf(socket);
    // Nobody waits for the end of a connection that breaks before.
    this.#ended.catch(() => undefined);
    this.#tls = connectTls({ ...options.tls, servername: host, socket: asDuplex(socket) });
    socket.once("error", (error) => { this.#tls.destroy(error); });
    this.#tls.once("error", (error) => { socket.destroy(error); });
    this.#tls.resume();
  }

  /** Connects and verifies the receiver. @throws what went wrong, also when the signal aborts */
  static async open(options: OrderlyOptions, signal: AbortSignal): Promise<OrderlyConnection> {
    const connection = new OrderlyConnection(options, signal);
    try {
      signal.throwIfAborted();
      await once(connection.#tls, "secureConnect");
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /** Resolves when there is room for more. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#tls.write(bytes)) return;
    await once(this.#tls, "drain");
  }

  /** Ends our side; resolves when the receiver has read all and ended its side. */
  async endInOrder(): Promise<void> {
    this.#tls.end();
    await this.#ended;
  }

  destroy(): void {
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#tls.destroy();
    this.#socket.destroy();
  }
}

/** Resolves on FIN after our own FIN; rejects on every other end. */
async function endOf(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("error", reject);
  socket.once("end", () => {
    if (socket.writableFinished) resolve();
    else socket.destroy(new Error("the receiver ended the connection before all was sent"));
  });
  socket.once("close", () => { reject(new Error("the connection was closed without an orderly end")); });
  return promise;
}

/** The socket as a stream that TLS may end and destroy without closing the socket below. */
function asDuplex(socket: Socket): Duplex {
  const duplex = new Duplex({
    read: () => { socket.resume(); },
    write: (chunk: Buffer, _encoding, done) => { socket.write(chunk, done); },
    final: (done) => { socket.end(done); },
    destroy: (error, done) => { socket.resume(); done(error); },
  });
  socket.on("data", (chunk: Buffer) => { if (!duplex.destroyed && !duplex.push(chunk)) socket.pause(); });
  socket.once("end", () => { if (!duplex.destroyed) duplex.push(null); });
  return duplex;
}
