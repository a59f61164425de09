import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";

export interface OrderlyOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: ConnectionOptions;
  /** Longest silence of the receiver while something is expected of it, in milliseconds. */
  readonly timeoutMs: number;
}

/** After the receiver's FIN, a reset for bytes that were then on their way arrives within a round trip; so much longer is waited for it. */
const GRACE_ROUND_TRIPS = 4;
const GRACE_MS = 50;

/**
 * A TLS connection for one direction whose end says whether all was read. We end TLS with its closure alert and keep TCP open; the receiver
 * closes when it has read the alert. Its kernel sends FIN if its process had read everything that had arrived, and RST if bytes were left unread or arrive
 * later (RFC 9293 §3.6.1 lets it, Linux does it). Our own FIN, a few round trips later, fails if there was a reset. The receiver's closure
 * alert says nothing of the kind, it is sent on shutdown too; so all this is watched below TLS.
 */
export class OrderlyConnection {
  readonly #socket: Socket;
  readonly #wire: Wire;
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
    this.#wire = new Wire(socket);
    this.#ended = orderlyEnd(socket, this.#wire);
    // Nobody waits for the end of a connection that breaks before.
    this.#ended.catch(() => undefined);
    this.#tls = connectTls({ ...options.tls, servername: host, socket: this.#wire });
    socket.on("error", (error) => { this.#tls.destroy(error); });
    this.#tls.on("error", (error) => { socket.destroy(error); });
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

/**
 * The socket as TLS sees it: TLS may end and destroy it without ending the socket. It never fails by itself: the socket's own error does what is
 * needed, and TLS would pass a second one on to nobody.
 */
class Wire extends Duplex {
  readonly #socket: Socket;
  /** True when the closure alert, the last of what we send, was handed to the kernel. */
  isSent = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => { if (!this.destroyed && !this.push(chunk)) socket.pause(); });
    socket.once("end", () => { if (!this.destroyed) this.push(null); });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#socket.write(chunk, () => { done(); });
  }

  override _final(done: () => void): void {
    this.isSent = true;
    done();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.#socket.resume();
    done();
  }
}

/** Resolves after an orderly end by the receiver; rejects on every other end. */
async function orderlyEnd(socket: Socket, wire: Wire): Promise<void> {
  const startMs = performance.now();
  const broken = Promise.withResolvers<never>();
  socket.once("error", broken.reject);
  socket.once("close", () => { broken.reject(new Error("the connection was closed without an orderly end")); });
  let roundTripMs = 0;
  socket.once("connect", () => { roundTripMs = performance.now() - startMs; });
  const [fin, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  socket.once("end", fin.resolve);
  await Promise.race([fin.promise, broken.promise]);
  await Promise.race([wait(GRACE_MS + GRACE_ROUND_TRIPS * roundTripMs), broken.promise]);
  if (!wire.isSent) throw new Error("the receiver ended the connection before all was sent");
  socket.end(() => { if (socket.errored === null) ended.resolve(); });
  await Promise.race([ended.promise, broken.promise]);
}
