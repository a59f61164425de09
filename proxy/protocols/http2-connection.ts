import { constants, performServerHandshake } from "node:http2";
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream, SessionOptions } from "node:http2";
import type { Duplex } from "node:stream";
import { EgressError } from "../errors.ts";
import type { Opened } from "../model/connection.ts";
import type { Incoming, ServeExchange } from "../model/incoming.ts";
import type { HandlerContext } from "../model/protocol-handlers.ts";
import type { RawHead } from "../model/request.ts";
import { AbuseGauge } from "./http2-abuse.ts";
import { Http2Answer } from "./http2-answer.ts";
import { silentAnswer } from "./silent-answer.ts";
import type { Http2Config } from "./config.ts";

/** Time for the last answers to leave once the connection must end, in milliseconds. */
const ABORT_GRACE_MS = 1_000;
/** Between two PINGs on a connection that has a request, in milliseconds. */
const PING_EVERY_MS = 15_000;
/** More fields than accepted reach us, so that they are refused in a record instead of a frame. */
const FIELD_HEADROOM = 4;

/** One HTTP/2 connection: its streams, what its peer may do to it, and its end. */
export class Http2Connection {
  readonly #opened: Opened;
  readonly #context: HandlerContext;
  readonly #serve: ServeExchange;
  readonly #config: Http2Config;
  readonly #session: ServerHttp2Session;
  readonly #gauge: AbuseGauge;
  readonly #ending = Promise.withResolvers<void>();
  readonly #open = new Set<Http2Answer>();
  #running = 0;
  #count = 0;
  #isFlooding = false;
  /** Not `session.destroyed`: until the session says `close` its last write may be under way in TLS, and a second writer ends the process. */
  #isClosed = false;
  #hardEnd: NodeJS.Timeout | undefined;
  #lastBusyMs = performance.now();
  #lastPingMs = performance.now();

  constructor(opened: Opened, context: HandlerContext, serve: ServeExchange, config: Http2Config) {
    this.#opened = opened;
    this.#context = context;
    this.#serve = serve;
    this.#config = config;
    this.#gauge = new AbuseGauge(config, this.#lastBusyMs);
    // A socket error while the session is being torn down has no other listener (CVE-2025-59465).
    // Half-open sockets do not close by themselves: an agent that has ended its side is gone, with all its requests.
    opened.stream.on("error", () => {}).once("end", () => { opened.stream.destroy(); });
    this.#session = performServerHandshake(opened.stream, sessionOptions(config));
    this.#session.on("stream", this.#onStream).on("ping", this.#onControl).on("remoteSettings", this.#onControl);
    this.#session.on("error", () => {}).once("close", this.#onClose);
    opened.signal.addEventListener("abort", this.#onAbort, { once: true });
    context.drain.addEventListener("abort", this.#onDrain, { once: true });
    if (opened.signal.aborted) this.#onAbort();
    if (context.drain.aborted) this.#onDrain();
  }

  /** Resolves when the session is closed and every exchange on it has ended. */
  get ended(): Promise<void> {
    return this.#ending.promise;
  }

  /** Called about once a second. */
  check(nowMs: number): void {
    if (this.#session.destroyed) return;
    const { stream } = this.#opened;
    if (!this.#gauge.wire(...bytesOf(stream), nowMs)) this.#flood("frames that carry nothing");
    else if (this.#running > 0) this.#stayBusy(nowMs);
    else if (nowMs - this.#lastBusyMs >= this.#config.idleTimeoutMs) this.#session.close();
  }

  /** A request that waits for long (for a person, for a slow answer) must not look dead to its client, nor to what lies between: RFC 9113 §6.7. */
  #stayBusy(nowMs: number): void {
    this.#lastBusyMs = nowMs;
    if (nowMs - this.#lastPingMs < PING_EVERY_MS) return;
    this.#lastPingMs = nowMs;
    this.#session.ping(() => {});
  }

  readonly #onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: readonly string[]): void => {
    stream.on("error", () => {});
    const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    this.#gauge.request(hasBody);
    if (this.#isFlooding) return;
    // Opened and reset in one read: nothing may be done for it, not even a policy question.
    if (stream.destroyed || stream.aborted) return this.#onReset();
    const head = rawHeadOf(headers, rawHeaders);
    const answer = new Http2Answer(stream, head.method, headers.expect?.toLowerCase() === "100-continue");
    stream.once("close", () => { this.#onStreamClose(stream, answer); });
    if (hasBody) stream.on("data", (chunk: Buffer) => { this.#gauge.body(chunk.byteLength); }).pause();
    this.#open.add(answer);
    this.#run({ connection: this.#opened, exchangeId: this.#nextId(), head, fault: this.#headFault(head), answer, body: hasBody ? stream : null });
  };

  #onStreamClose(stream: ServerHttp2Stream, answer: Http2Answer): void {
    this.#open.delete(answer);
    if (!answer.isEnded) answer.leave(new EgressError("relay.aborted", `the agent reset its request (${stream.rstCode})`));
    // However fast the answer was: a reset is a reset.
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR && !answer.isCut) this.#onReset();
  }

  #onReset(): void {
    if (!this.#gauge.reset(performance.now())) this.#flood("requests reset before their answer");
  }

  readonly #onControl = (): void => {
    if (!this.#gauge.control(performance.now())) this.#flood("PING or SETTINGS");
  };

  /** Ends the connection, once, with a record that says why. */
  #flood(what: string): void {
    if (this.#isFlooding) return;
    this.#isFlooding = true;
    const fault = new EgressError("request.flood", `too many ${what}`);
    this.#run({ connection: this.#opened, exchangeId: this.#nextId(), head: null, fault, answer: silentAnswer, body: null });
    this.#destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** GOAWAY, then the end: the frame must be on its way before the socket is gone. */
  #destroy(code: number): void {
    if (this.#session.destroyed) return;
    this.#session.goaway(code);
    setImmediate(() => { this.#opened.stream.destroy(); });
  }

  #run(incoming: Incoming): void {
    this.#running += 1;
    void this.#serve(incoming).then((usage) => {
      this.#running -= 1;
      this.#lastBusyMs = performance.now();
      this.#context.exchangeEnded(usage);
      if (this.#running > 0) return;
      if (this.#isClosed) this.#ending.resolve();
      else if (this.#opened.signal.aborted) this.#session.close();
    });
  }

  #nextId(): string {
    this.#count += 1;
    return `${this.#opened.id}.${this.#count}`;
  }

  #headFault(head: RawHead): EgressError | null {
    const { rawHeaders } = head;
    if (rawHeaders.length > this.#config.maxHeaderFields * 2) return new EgressError("request.too-large", `${rawHeaders.length / 2} header fields`);
    let bytes = head.target.length;
    for (const text of rawHeaders) bytes += text.length;
    return bytes > this.#config.maxHeadBytes ? new EgressError("request.too-large", `a head of ${bytes} bytes`) : null;
  }

  readonly #onClose = (): void => {
    this.#isClosed = true;
    clearTimeout(this.#hardEnd);
    this.#opened.signal.removeEventListener("abort", this.#onAbort);
    this.#context.drain.removeEventListener("abort", this.#onDrain);
    if (!this.#opened.stream.destroyed) this.#opened.stream.destroy();
    if (this.#running === 0) this.#ending.resolve();
  };

  readonly #onAbort = (): void => {
    const reason = EgressError.from(this.#opened.signal.reason);
    for (const answer of [...this.#open]) answer.interrupt(reason);
    if (this.#running === 0) this.#destroy(constants.NGHTTP2_NO_ERROR);
    else this.#hardEnd = setTimeout(() => { this.#opened.stream.destroy(); }, ABORT_GRACE_MS);
  };

  readonly #onDrain = (): void => { this.#session.close(); };
}

function sessionOptions(config: Http2Config): SessionOptions {
  return {
    maxSessionMemory: config.maxSessionMemoryMebibytes,
    maxHeaderListPairs: config.maxHeaderFields * FIELD_HEADROOM,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: config.maxConcurrentStreams,
    maxOutstandingPings: 10,
    maxSettings: 32,
    streamResetBurst: config.resetBurst * 4,
    streamResetRate: Math.max(1, Math.ceil(config.resetsPerSecond)) * 4,
    settings: {
      enablePush: false,
      enableConnectProtocol: false,
      maxConcurrentStreams: config.maxConcurrentStreams,
      maxHeaderListSize: config.maxHeadBytes,
      initialWindowSize: config.windowBytes,
    },
  } as SessionOptions;
}

function rawHeadOf(headers: IncomingHttpHeaders, received: readonly string[]): RawHead {
  const rawHeaders: string[] = [];
  for (let at = 0; at < received.length; at += 2) {
    const name = received[at] ?? "";
    if (!name.startsWith(":")) rawHeaders.push(name, received[at + 1] ?? "");
  }
  const pseudo = headers as Record<string, string | undefined>;
  return {
    httpVersion: "2", method: pseudo[":method"] ?? "", target: pseudo[":path"] ?? "", authority: pseudo[":authority"] ?? null,
    scheme: pseudo[":scheme"] ?? null, rawHeaders,
  };
}

function bytesOf(stream: Duplex): [received: number, sent: number] {
  const { bytesRead = 0, bytesWritten = 0 } = stream as Partial<{ bytesRead: number; bytesWritten: number }>;
  return [bytesRead, bytesWritten];
}
