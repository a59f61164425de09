import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { EgressError } from "../errors.ts";
import type { Answer, AnswerListener } from "../model/incoming.ts";
import type { HeaderList } from "../model/request.ts";

/** What an answer may do to its connection. */
export interface Http1Wire {
  readonly stream: Duplex;
  /** True while later requests of the same connection wait for this one. */
  readonly hasWaiting: boolean;
  /** True once this answer is the last. */
  readonly isLast: boolean;
  /** True once the rest of what the agent sends cannot be read as requests. */
  readonly isBroken: boolean;
  /** No request after this one is served. */
  endAfterThis(): void;
  readonly lingerMs: number;
  readonly lingerBytes: number;
}

export interface Http1AnswerOptions {
  /** Bytes that came behind the head of an upgrade; null if node still reads the stream. */
  readonly upgradeHead: Buffer | null;
  readonly expectsContinue: boolean;
  readonly hasBody: boolean;
}

/** One HTTP/1.x answer. Framing, order among pipelined answers and keep-alive are node's. */
export class Http1Answer implements Answer {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #wire: Http1Wire;
  readonly #upgradeHead: Buffer | null;
  readonly #hasBody: boolean;
  #listener: AnswerListener | null = null;
  #interruption: EgressError | null = null;
  #isListeningForDrain = false;
  #isLengthKnown = false;
  #isFirstByteOut = false;
  #isWaitedFor: boolean;
  #isUpgraded = false;
  isStarted = false;
  gone: EgressError | null = null;

  constructor(request: IncomingMessage, response: ServerResponse, wire: Http1Wire, options: Http1AnswerOptions) {
    this.#request = request;
    this.#response = response;
    this.#wire = wire;
    this.#upgradeHead = options.upgradeHead;
    this.#isWaitedFor = options.expectsContinue;
    this.#hasBody = options.hasBody;
  }

  listen(listener: AnswerListener): void {
    this.#listener = listener;
    const ended = this.gone ?? this.#interruption;
    if (ended !== null) listener.onGone(ended);
  }

  /** The socket is closed. */
  leave(error: EgressError): void {
    this.gone = error;
    // An open WebSocket sees its stream close, which is its ordinary end.
    if (!this.#isUpgraded) this.#listener?.onGone(error);
  }

  /** The exchange must end, but the agent may still be told why. */
  interrupt(error: EgressError): void {
    this.#interruption ??= error;
    this.#listener?.onGone(error);
  }

  refusing(isFatal: boolean): void {
    if (isFatal || this.#wire.hasWaiting) this.#wire.endAfterThis();
  }

  proceed(): void {
    if (!this.#isWaitedFor || this.gone !== null || this.isStarted) return;
    this.#isWaitedFor = false;
    this.#response.writeContinue();
  }

  inform(status: number, headers: HeaderList): void {
    if (this.gone !== null || this.isStarted) return;
    this.#response.writeInformation?.(status, headers.flat());
  }

  head(status: number, headers: HeaderList, hasBody: boolean): void {
    if (this.gone !== null) return;
    this.isStarted = true;
    // What is left of an unread body would be taken for the next request by whoever gets it wrong: nothing follows it.
    if (!this.#isRequestRead || this.#upgradeHead !== null) this.#wire.endAfterThis();
    if (this.#wire.isLast) this.#response.shouldKeepAlive = false;
    this.#isLengthKnown = !hasBody || headers.some(([name]) => name === "content-length");
    this.#response.writeHead(status, headers as never);
    // Head and first bytes leave together if they come together; an answer that begins slowly shows its head at once.
    process.nextTick(flushHead, this);
  }

  data(chunk: Buffer): boolean {
    if (this.gone !== null) return true;
    this.#isFirstByteOut = true;
    if (this.#response.write(chunk)) return true;
    if (!this.#isListeningForDrain) {
      this.#isListeningForDrain = true;
      this.#response.on("drain", () => { this.#listener?.onDrain(); });
    }
    return false;
  }

  end(trailers: HeaderList): void {
    this.#listener = null;
    if (this.gone !== null) return;
    if (trailers.length > 0 && this.#response.chunkedEncoding) this.#response.addTrailers(trailers as never);
    if (this.#isRequestRead || this.#isWaitedFor || this.#wire.isBroken || !this.#isLengthKnown) this.#finish();
    else this.#linger();
  }

  cut(): void {
    this.#listener = null;
    this.#wire.stream.destroy();
  }

  /** Calls back once the answer has left, or cannot any more. */
  whenWritten(callback: () => void): void {
    if (this.gone !== null || this.#isUpgraded || this.#wire.stream.destroyed || this.#response.closed) callback();
    else this.#response.once("close", callback);
  }

  upgrade(headers: HeaderList): Duplex {
    const { stream } = this.#wire;
    this.isStarted = true;
    this.#isUpgraded = true;
    this.#response.detachSocket(stream as never);
    const fields = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    stream.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n${fields}\r\n`, "latin1");
    if (this.#upgradeHead !== null && this.#upgradeHead.byteLength > 0) stream.unshift(this.#upgradeHead);
    return stream;
  }

  get #isRequestRead(): boolean {
    return !this.#hasBody || this.#request.complete;
  }

  flushHead(): void {
    if (!this.#isFirstByteOut && this.gone === null && !this.#response.writableEnded) this.#response.flushHeaders();
  }

  /** Closing while bytes of the body are on their way makes a reset, which can take the answer from the agent: read on for a while. */
  #linger(): void {
    const request = this.#request;
    let leftBytes = this.#wire.lingerBytes;
    const finish = (): void => {
      clearTimeout(deadline);
      request.removeAllListeners("data").removeAllListeners("end");
      this.#finish();
    };
    const deadline = setTimeout(finish, this.#wire.lingerMs);
    this.#wire.stream.once("close", () => { clearTimeout(deadline); });
    request.on("end", finish).on("data", (chunk: Buffer) => {
      leftBytes -= chunk.byteLength;
      if (leftBytes <= 0) finish();
    });
    request.resume();
  }

  #finish(): void {
    this.#response.end();
    // Node has let go of a stream that asked for an upgrade: closing it is ours.
    if (this.#upgradeHead !== null) this.#wire.stream.end();
  }
}

function flushHead(answer: Http1Answer): void {
  answer.flushHead();
}
