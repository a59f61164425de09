import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { EgressError } from "../errors.ts";
import type { Opened } from "../model/connection.ts";
import type { Incoming, ServeExchange } from "../model/incoming.ts";
import type { HandlerContext } from "../model/protocol-handlers.ts";
import type { RawHead } from "../model/request.ts";
import type { Http1Config } from "./config.ts";
import { Http1Answer } from "./http1-answer.ts";
import type { Http1Wire } from "./http1-answer.ts";
import { faultOf } from "./http1-fault.ts";

/** More requests than this sent ahead of their answers are no client's habit; each costs memory. */
const MAX_WAITING = 64;
/** Time for the last answer to leave once the connection must end, in milliseconds. */
const ABORT_GRACE_MS = 1_000;
const NO_HEAD = Buffer.alloc(0);

interface Turn {
  readonly request: IncomingMessage;
  readonly answer: Http1Answer;
  readonly head: RawHead | null;
  fault: EgressError | null;
  /** Connects an answer that node does not know of to the stream, once those before it are out. */
  readonly attach: (() => void) | null;
}

/** One HTTP/1.x connection: its requests are served strictly one after another, so that what follows a refusal is never sent. */
export class Http1Connection implements Http1Wire {
  readonly stream: Duplex;
  readonly lingerMs: number;
  readonly lingerBytes: number;
  readonly #opened: Opened;
  readonly #context: HandlerContext;
  readonly #serve: ServeExchange;
  readonly #maxFields: number;
  readonly #ending = Promise.withResolvers<void>();
  readonly #waiting: Turn[] = [];
  #current: Turn | null = null;
  #count = 0;
  isBroken = false;
  #hardEnd: NodeJS.Timeout | undefined;
  isLast = false;

  constructor(opened: Opened, context: HandlerContext, serve: ServeExchange, config: Http1Config) {
    this.#opened = opened;
    this.#context = context;
    this.#serve = serve;
    this.#maxFields = config.maxHeaderFields;
    this.stream = opened.stream;
    this.lingerMs = config.lingerMs;
    this.lingerBytes = config.lingerBytes;
    // Node takes its own error listener away when a request asks for an upgrade.
    this.stream.on("error", () => {}).once("close", this.#onClose);
    opened.signal.addEventListener("abort", this.#onAbort, { once: true });
    context.drain.addEventListener("abort", this.#onDrain, { once: true });
    if (opened.signal.aborted) this.#onAbort();
    if (context.drain.aborted) this.isLast = true;
  }

  /** Resolves when the stream is closed and every exchange on it has ended. */
  get ended(): Promise<void> {
    return this.#ending.promise;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  endAfterThis(): void {
    this.isLast = true;
  }

  /** Only a WebSocket handshake that stands alone: behind another request it would take over a stream that still owes an answer. */
  mayUpgrade(request: IncomingMessage): boolean {
    return this.#current === null && request.method === "GET" && asksForWebSocket(request) && !hasBody(request);
  }

  onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const answer = new Http1Answer(request, response, this, { upgradeHead: null, expectsContinue, hasBody: hasBody(request) });
    const fault = asksForWebSocket(request) && connectionAsksForUpgrade(request)
      ? new EgressError("request.malformed", "a WebSocket handshake with a body, or behind an unfinished request")
      : null;
    this.#enqueue({ request, answer, head: rawHeadOf(request), fault: fault ?? this.#headFault(request), attach: null });
  }

  /** Node has let go of the stream: an upgrade, or CONNECT. */
  onDetached(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(stream as Socket);
    this.isBroken = true;
    const answer = new Http1Answer(request, response, this, { upgradeHead: head, expectsContinue: false, hasBody: false });
    this.#enqueue({ request, answer, head: rawHeadOf(request), fault: this.#headFault(request), attach: null });
  }

  onParserError(error: NodeJS.ErrnoException): void {
    if (this.isBroken) return;
    this.isBroken = true;
    const fault = faultOf(error);
    if (fault.code === "relay.aborted") return void this.stream.destroy();
    const last = this.#waiting.at(-1) ?? this.#current;
    if (last !== null && last !== undefined && !last.request.complete) {
      last.fault ??= fault;
      last.answer.interrupt(fault);
    } else {
      this.#enqueue(this.#unreadable(fault));
    }
  }

  #enqueue(turn: Turn): void {
    if (this.isLast && this.#waiting.length === 0 && this.#current === null) return void this.stream.destroy();
    if (this.#waiting.length >= MAX_WAITING) {
      turn.fault ??= new EgressError("request.flood", `more than ${MAX_WAITING} requests ahead of their answers`);
      this.stream.pause();
    }
    if (this.#waiting.length > MAX_WAITING) return;
    this.#waiting.push(turn);
    if (this.#current === null) this.#next();
  }

  #next(): void {
    const turn = this.isLast && this.#count > 0 ? undefined : this.#waiting.shift();
    this.#current = turn ?? null;
    if (turn === undefined) return this.#rest();
    this.#count += 1;
    turn.attach?.();
    void this.#serve(this.#incoming(turn)).then((usage) => {
      this.#context.exchangeEnded(usage);
      // Closing is ours only when the last answer is out; a next one waits for its place on the stream.
      if (this.isLast || this.hasWaiting) turn.answer.whenWritten(() => { this.#next(); });
      else this.#next();
    });
  }

  /** Nothing to do: the next request, or the end. */
  #rest(): void {
    this.#waiting.length = 0;
    if (this.stream.destroyed) this.#end();
    else if (this.#opened.signal.aborted) this.stream.destroy();
    else if (this.isLast) endWhenWritten(this.stream);
  }

  #incoming(turn: Turn): Incoming {
    const { request, answer, head, fault } = turn;
    return {
      connection: this.#opened, exchangeId: `${this.#opened.id}.${this.#count}`,
      head, fault, answer, body: head === null || !hasBody(request) ? null : request,
    };
  }

  #headFault(request: IncomingMessage): EgressError | null {
    const { httpVersion, rawHeaders } = request;
    if (httpVersion !== "1.1" && httpVersion !== "1.0") return new EgressError("request.malformed", `HTTP/${httpVersion}`);
    if (rawHeaders.length > this.#maxFields * 2) return new EgressError("request.too-large", `${rawHeaders.length / 2} header fields`);
    return null;
  }

  /** A turn for bytes that are no request: it owns an answer, so that the refusal takes the same way as any other. */
  #unreadable(fault: EgressError): Turn {
    const request = new IncomingMessage(this.stream as Socket);
    Object.assign(request, { method: "GET", httpVersionMajor: 1, httpVersionMinor: 1, complete: true });
    const response = new ServerResponse(request);
    const answer = new Http1Answer(request, response, this, { upgradeHead: NO_HEAD, expectsContinue: false, hasBody: false });
    const attach = (): void => { if (!this.stream.destroyed) response.assignSocket(this.stream as Socket); };
    return { request, answer, head: null, fault, attach };
  }

  readonly #onClose = (): void => {
    clearTimeout(this.#hardEnd);
    this.#opened.signal.removeEventListener("abort", this.#onAbort);
    this.#context.drain.removeEventListener("abort", this.#onDrain);
    this.#waiting.length = 0;
    if (this.#current === null) return this.#end();
    const { reason } = this.#opened.signal;
    this.#current.answer.leave(this.#opened.signal.aborted ? EgressError.from(reason) : new EgressError("relay.aborted", "the agent closed its connection"));
  };

  readonly #onAbort = (): void => {
    this.isLast = true;
    if (this.#current === null) this.stream.destroy();
    else {
      this.#hardEnd = setTimeout(() => { this.stream.destroy(); }, ABORT_GRACE_MS);
      this.#current.answer.interrupt(EgressError.from(this.#opened.signal.reason));
    }
  };

  readonly #onDrain = (): void => {
    this.isLast = true;
    if (this.#current === null) this.stream.destroy();
  };

  #end(): void {
    this.#ending.resolve();
  }
}

function rawHeadOf(request: IncomingMessage): RawHead {
  const { method = "", url: target = "", httpVersion, rawHeaders } = request;
  return { httpVersion: httpVersion === "1.0" ? "1.0" : "1.1", method, target, authority: null, scheme: null, rawHeaders };
}

function hasBody(request: IncomingMessage): boolean {
  const { headers } = request;
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] !== undefined && headers["content-length"] !== "0");
}

function asksForWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase().includes("websocket") === true;
}

function connectionAsksForUpgrade(request: IncomingMessage): boolean {
  return request.headers.connection?.toLowerCase().includes("upgrade") === true;
}

/** Lets what was written reach the agent, then closes. */
function endWhenWritten(stream: Duplex): void {
  if ("destroySoon" in stream && typeof stream.destroySoon === "function") stream.destroySoon();
  else stream.end();
}
