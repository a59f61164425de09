import type { Duplex } from "node:stream";
import { EgressError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { Answer, AnswerListener } from "../model/incoming.ts";
import type { Allow } from "../model/decision.ts";
import type { Reconsiderable } from "../model/live.ts";
import type { HeaderList } from "../model/request.ts";
import type { UpstreamFlow, UpstreamSink } from "../upstream/upstream.ts";
import { AnswerRelay, type AnswerObserver } from "./answer-relay.ts";
import { ByteCount } from "./byte-count.ts";
import { decide, requireAllow, requireGrants } from "./decide.ts";
import type { Watched } from "./idle-watch.ts";
import type { Injected } from "./inject.ts";
import type { ExchangeDraft } from "./open-record.ts";
import { RequestBody } from "./request-body.ts";
import type { BodyObserver } from "./request-body.ts";
import type { ExchangePath } from "./serve-exchange.ts";
import { WebSocketRelay } from "./web-socket.ts";
import type { WebSocketObserver } from "./web-socket.ts";
import { AgentFrames } from "./web-socket-rewrite.ts";

/** With these the destination was never spoken to. */
const NOTHING_SENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["upstream.unresolved", "upstream.unreachable", "upstream.untrusted", "destination.forbidden"]);

/**
 * in: Injected · out: the answer, at the agent · ends early with: relay.aborted, upstream.*, budget.exhausted, policy.denied · next: settle.ts
 *
 * Both directions of one exchange: counts and limits every byte, filters what comes back, passes back-pressure on, and ends all of it when one
 * side ends, a limit is reached or the permission is gone. One object for all callbacks, because closures for each request are not free.
 */
export class Relay implements UpstreamSink, AnswerListener, BodyObserver, AnswerObserver, WebSocketObserver, Reconsiderable, Watched {
  readonly #draft: ExchangeDraft;
  readonly #allow: Allow;
  readonly #injected: Injected;
  readonly #path: ExchangePath;
  readonly #answer: Answer;
  readonly #body: RequestBody | null;
  readonly #count: ByteCount;
  readonly #answerRelay: AnswerRelay;
  readonly #ending = Promise.withResolvers<void>();
  #flow: UpstreamFlow | null = null;
  #webSocket: WebSocketRelay | null = null;
  #lastProgressMs: number;
  #isBlockedByAgent = false;
  #isOver = false;

  constructor(draft: ExchangeDraft, allow: Allow, injected: Injected, path: ExchangePath) {
    const { outbound, body } = injected;
    this.#draft = draft;
    this.#allow = allow;
    this.#injected = injected;
    this.#path = path;
    this.#answer = draft.incoming.answer;
    this.#count = new ByteCount(draft, allow);
    this.#answerRelay = new AnswerRelay(draft, injected, this.#count, { observer: this, maxInformational: path.config.maxInformationalAnswers, probes: path.probes });
    this.#body = outbound.framing.kind === "none" || body === null ? null : new RequestBody(body, this);
    this.#lastProgressMs = path.rooms.clock.monotonicMs();
  }

  get agent(): AgentIdentity {
    return this.#draft.incoming.connection.agent;
  }

  /** Resolves when the answer is complete; rejects with the `EgressError` that ended it before. */
  get done(): Promise<void> {
    return this.#ending.promise;
  }

  start(): void {
    this.#answer.listen(this);
    if (this.#isOver) return;
    this.#draft.isSent = true;
    const { agent, signal } = this.#draft.incoming.connection;
    const { outbound: head, loan: { clientCertificate } } = this.#injected;
    const flow = this.#path.rooms.upstream.send({ instance: agent.instance, head, body: this.#body, clientCertificate, signal }, this);
    if (this.#isOver) flow.abort(new EgressError("relay.aborted", "over before it began"));
    this.#flow = flow;
  }

  // From the destination.

  onInformational(status: number, headers: HeaderList): void {
    if (this.#isOver) return;
    this.#try(() => { this.#answerRelay.informational(status, headers); });
  }

  onHead(status: number, headers: HeaderList, remoteAddress: string): void {
    if (this.#isOver) return;
    this.#reached(remoteAddress);
    this.#try(() => { this.#answerRelay.head(status, headers); });
  }

  onData(chunk: Buffer): boolean {
    if (!this.onWebSocketBytes("response", chunk.byteLength)) return false;
    let isFlowing = false;
    this.#try(() => { isFlowing = this.#answerRelay.data(chunk); });
    this.#isBlockedByAgent = !isFlowing;
    return isFlowing;
  }

  onEnd(trailers: HeaderList): void {
    if (this.#isOver) return;
    this.#try(() => { this.#answerRelay.end(trailers); });
  }

  onAnswerEnd(): void {
    this.#finish();
  }

  onAnswerProgress(): void {
    this.#progress();
  }

  onAnswerWanted(): void {
    this.#isBlockedByAgent = false;
    this.#flow?.resume();
  }

  onAnswerBroken(error: EgressError): void {
    this.#fail(error);
  }

  onUpgrade(headers: HeaderList, stream: Duplex, remoteAddress: string): void {
    this.#reached(remoteAddress);
    this.#try(() => {
      if (this.#isOver) return;
      const { agent, frames } = this.#answerRelay.upgrade(headers);
      const { webSocketCloseMs: closeMs } = this.#path.config;
      const { webSocketText } = this.#injected.loan;
      const agentFrames = webSocketText === null ? null : new AgentFrames(webSocketText, this.#path.held.roomOf(this.agent.instance));
      this.#webSocket = new WebSocketRelay({ agent, upstream: stream, frames, agentFrames, closeMs, observer: this });
      this.#webSocket.done.then(() => { this.#finish(); }, (error: unknown) => { this.#end(EgressError.from(error)); });
    });
    if (this.#webSocket === null) stream.destroy();
  }

  onFailure(error: EgressError): void {
    if (NOTHING_SENT.has(error.code) && this.#flow?.isResent !== true) this.#draft.isSent = false;
    this.#fail(error);
  }

  // From the agent.

  onDrain(): void {
    this.#progress();
    this.#answerRelay.resume();
  }

  onGone(error: EgressError): void {
    this.#fail(error);
  }

  onBodyWanted(): void {
    this.#progress();
    this.#answer.proceed();
  }

  onBodyBytes(bytes: number): boolean {
    return this.onWebSocketBytes("request", bytes);
  }

  onBodyBroken(cause: unknown): void {
    this.#fail(this.#answer.gone ?? new EgressError("relay.aborted", "the request body ended early", { cause }));
  }

  /** Counts, for bodies too. @returns false if the exchange is over or has just been cut */
  onWebSocketBytes(direction: "request" | "response", bytes: number): boolean {
    if (this.#isOver) return false;
    this.#progress();
    const limit = direction === "request" ? this.#count.request(bytes) : this.#count.response(bytes);
    if (limit !== null) this.#fail(limit);
    return limit === null;
  }

  // From the boundary itself.

  async reconsider(): Promise<void> {
    const { head, incoming } = this.#draft;
    if (head === null || this.#isOver) return;
    try {
      const today = requireAllow(await decide(head, incoming.connection, this.#path.rooms));
      requireGrants(today, this.#allow);
    } catch (error) {
      this.#fail(EgressError.from(error));
    }
  }

  end(reason: Error): void {
    this.#fail(EgressError.from(reason));
  }

  endIfIdle(nowMs: number): void {
    const { idleTimeoutMs, bodyIdleTimeoutMs, webSocketIdleTimeoutMs } = this.#path.config;
    const silentMs = nowMs - this.#lastProgressMs;
    if (this.#webSocket !== null) {
      if (silentMs >= webSocketIdleTimeoutMs) this.#fail(new EgressError("upstream.timeout", `a WebSocket silent for ${webSocketIdleTimeoutMs} ms`));
    } else if (this.#body?.isWaiting === true && !this.#answerRelay.isBegun) {
      if (silentMs >= bodyIdleTimeoutMs) this.#fail(new EgressError("request.timeout", `no byte of the body for ${bodyIdleTimeoutMs} ms`));
    } else if (silentMs >= idleTimeoutMs) {
      this.#fail(this.#isBlockedByAgent
        ? new EgressError("relay.aborted", `the agent read nothing for ${idleTimeoutMs} ms`)
        : new EgressError("upstream.timeout", `no byte of the answer for ${idleTimeoutMs} ms`));
    }
  }

  #reached(remoteAddress: string): void {
    this.#progress();
    this.#draft.upstreamAddress = remoteAddress;
  }

  #progress(): void {
    this.#lastProgressMs = this.#path.rooms.clock.monotonicMs();
  }

  #try(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error instanceof EgressError ? error : new EgressError("upstream.malformed", "the answer cannot be passed on", { cause: error }));
    }
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#answerRelay.close();
    if (this.#body !== null && !this.#body.isComplete) {
      // The destination answered without reading all of it: that connection must carry nothing else.
      this.#flow?.abort(new EgressError("upstream.aborted", "answered before the request was complete"));
      this.#body.destroy();
    }
    this.#ending.resolve();
  }

  #fail(error: EgressError): void {
    if (this.#isOver) return;
    // An open WebSocket is told why first; its `done` then ends the exchange.
    if (this.#webSocket !== null) this.#webSocket.close(error);
    else this.#end(error);
  }

  #end(error: EgressError): void {
    this.#isOver = true;
    this.#answerRelay.close();
    this.#flow?.abort(error);
    this.#body?.destroy();
    this.#ending.reject(error);
  }
}
