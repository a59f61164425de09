import type { Duplex } from "node:stream";
import type { Dispatcher } from "undici";
import { EgressError } from "../errors.ts";
import type { HeaderList } from "../model/request.ts";
import { readAnswerHead, readTrailers, readUpgradeHead } from "./answer-head.ts";
import { asBodyError, asEgressError, isConnectionLoss } from "./failure.ts";
import type { Seat, SeatedHandler } from "./origin-client.ts";
import type { UpstreamFlow, UpstreamRequest, UpstreamSink } from "./upstream.ts";

/** Informational answers before the real one; a destination that sends more is not answering. */
const MAX_INFORMATIONAL = 16;
/** Sent again once on a lost kept-alive connection (RFC 9110 §9.2.2); only without a body, so nothing of the agent is sent twice. */
const RESENDABLE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

type Controller = Dispatcher.DispatchController;

/**
 * One exchange with a destination: stands between undici's callbacks and the sink, keeps their order, and ends once. Ending early destroys
 * the connection, so that no later exchange meets what is left of this one.
 */
export class ExchangeHandler implements SeatedHandler, UpstreamFlow {
  /** Set by the connection slot that takes the exchange (origin-client.ts). */
  seat: Seat | null = null;
  isResent = false;
  readonly #request: UpstreamRequest;
  readonly #sink: UpstreamSink;
  readonly #onEnded: () => void;
  readonly #onSignal = (): void => { this.#fail(EgressError.from(this.#request.signal.reason)); };
  #dispatch: (() => void) | null = null;
  #controller: Controller | null = null;
  #isOver = false;
  #headSeen = false;
  #bodyError: unknown = null;
  #isPaused = false;
  #informational = 0;
  /** What undici delivers although paused: the rest of an answer whose connection has ended. At most a socket buffer. */
  #held: Buffer[] = [];
  #heldEnd: (() => void) | null = null;

  /** @param onEnded called once, when the exchange no longer counts against its pool */
  constructor(request: UpstreamRequest, sink: UpstreamSink, onEnded: () => void) {
    this.#request = request;
    this.#sink = sink;
    this.#onEnded = onEnded;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @param dispatch hands the exchange to undici; called again if a stale connection ate the request */
  start(dispatch: () => void): void {
    const { body, signal } = this.#request;
    this.#dispatch = dispatch;
    if (signal.aborted) return this.#onSignal();
    signal.addEventListener("abort", this.#onSignal, { once: true });
    // Stays to the end: undici stops listening earlier, and a late error of the agent's side must not end the process.
    body?.on("error", (error) => { this.#bodyError = error; });
    dispatch();
  }

  resume(): void {
    // undici's parser cannot be re-entered, and the caller may be inside another exchange's callback.
    queueMicrotask(() => { this.#resumeNow(); });
  }

  abort(reason: EgressError): void {
    if (!this.#isOver) this.#endEarly(reason);
  }

  /** Ends the exchange with a failure that the sink is told. */
  fail(reason: EgressError): void {
    this.#fail(reason);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new EgressError("relay.aborted", "ended before it was sent"));
  }

  onResponseStart(controller: Controller, status: number): void {
    if (this.#isOver) return;
    this.#guarded(() => {
      if (status === 100 || status === 101) throw new EgressError("upstream.malformed", `unasked ${status}`);
      const headers = readAnswerHead(status, controller.rawHeaders);
      if (status < 200) return this.#informationalHead(status, headers);
      this.#headSeen = true;
      this.#sink.onHead(status, headers, this.seat?.remoteAddress ?? "");
    });
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#isPaused) {
      this.#held.push(chunk);
      return;
    }
    this.#guarded(() => {
      if (this.#sink.onData(chunk)) return;
      this.#isPaused = true;
      controller.pause();
    });
  }

  onResponseEnd(controller: Controller): void {
    if (this.#isOver) return;
    if (this.seat !== null) this.seat.served += 1;
    const trailers = readTrailers(controller.rawTrailers);
    const end = (): void => {
      this.#release();
      this.#sink.onEnd(trailers);
    };
    if (this.#isPaused) this.#heldEnd = end;
    else end();
  }

  onRequestUpgrade(controller: Controller, _status: number, _headers: unknown, stream: Duplex): void {
    // An error before the owner listens must not end the process; the owner sees `close`.
    stream.on("error", () => { /* told by `close` */ });
    if (this.#isOver) {
      stream.destroy();
      return;
    }
    try {
      const headers = readUpgradeHead(controller.rawHeaders, this.#request.head.upgrade ?? "");
      this.#release();
      this.#sink.onUpgrade(headers, stream, this.seat?.remoteAddress ?? "");
    } catch (error) {
      stream.destroy();
      this.#fail(asEgressError(error));
    }
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.#isOver) return;
    if (this.#mayResend(error)) {
      const dispatch = this.#dispatch;
      this.#dispatch = null;
      this.isResent = true;
      this.#controller = null;
      dispatch?.();
      return;
    }
    const failure = error === this.#bodyError ? asBodyError(error) : asEgressError(error);
    if (this.#isPaused) this.#heldEnd = () => { this.#fail(failure); };
    else this.#fail(failure);
  }

  #informationalHead(status: number, headers: HeaderList): void {
    this.#informational += 1;
    if (this.#informational > MAX_INFORMATIONAL) throw new EgressError("upstream.malformed", "too many informational answers");
    this.#sink.onInformational(status, headers);
  }

  #resumeNow(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    this.#guarded(() => {
      while (this.#held.length > 0) {
        const chunk = this.#held.shift();
        if (chunk === undefined || this.#sink.onData(chunk)) continue;
        this.#isPaused = true;
        return;
      }
      if (this.#heldEnd === null) this.#controller?.resume();
      else this.#heldEnd();
    });
  }

  #mayResend(error: Error): boolean {
    const { head, body } = this.#request;
    return this.#dispatch !== null && !this.#headSeen && this.#informational === 0 && (this.seat?.served ?? 0) > 0
      && body === null && head.upgrade === null && RESENDABLE_METHODS.has(head.method) && isConnectionLoss(error);
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(asEgressError(error));
    }
  }

  #fail(reason: EgressError): void {
    if (this.#isOver) return;
    this.#endEarly(reason);
    this.#sink.onFailure(reason);
  }

  #endEarly(reason: EgressError): void {
    this.#release();
    this.#held = [];
    this.#request.body?.destroy();
    if (this.#controller !== null && !this.#controller.aborted) this.#controller.abort(reason);
  }

  #release(): void {
    this.#isOver = true;
    this.#request.signal.removeEventListener("abort", this.#onSignal);
    this.#onEnded();
  }
}
