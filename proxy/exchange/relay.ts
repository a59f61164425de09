import type { Duplex } from "node:stream";
import { EgressError, type ErrorCode } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { Answer, AnswerListener } from "../model/incoming.ts";
import type { Allow } from "../model/decision.ts";
import type { Reconsiderable } from "../model/live.ts";
import type { HeaderList } from "../model/request.ts";
import type { UpstreamFlow, UpstreamSink } from "../upstream/upstream.ts";
import { AnswerRelay, type AnswerObserver } from "./answer-relay.ts";
import { ByteCount } from "./byte-count.ts";
import { FlowGate } from "./flow-gate.ts";
import type { Watched } from "./idle-watch.ts";
import type { Injected } from "./inject.ts";
import { noLongerAllowed } from "./no-longer-allowed.ts";
import type { ExchangeDraft } from "./open-record.ts";
import { RequestBody, type BodyObserver } from "./request-body.ts";
import type { ExchangePath } from "./serve-exchange.ts";
import { endOfSilence } from "./silence.ts";
import { WebSocketRelay, type WebSocketObserver } from "./web-socket.ts";
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
  readonly #gate = new FlowGate();
  #isOver = false;

  constructor(draft: ExchangeDraft, allow: Allow, injected: Injected, path: ExchangePath) {
    const { outbound, body } = injected;
    this.#draft = draft;
    this.#allow = allow;
    this.#injected = injected;
    this.#path = path;
    this.#answer = draft.incoming.answer;
    this.#count = new ByteCount(draft, allow);
    this.#answerRelay = new AnswerRelay(draft, injected, this.#count, { observer: this, allow, path });
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
    this.#gate.flow = this.#flow = flow;
  }

  // From the destination.

  onInformational(status: number, headers: HeaderList): void {
    if (this.#isOver) return;
    this.#try(() => { this.#answerRelay.informational(status, headers); });
  }

  onHead(status: number, headers: HeaderList, remoteAddress: string): void {
    if (this.#isOver) return;
    this.#draft.upstreamAddress = remoteAddress;
    this.#progress();
    this.#try(() => { this.#answerRelay.head(status, headers); });
  }

  onData(chunk: Buffer): boolean {
    if (!this.onBytes("response", chunk.byteLength)) return false;
    let isFlowing = false;
    this.#try(() => { isFlowing = this.#answerRelay.data(chunk); });
    if (!isFlowing) this.#gate.fill();
    const { refill } = this;
    if (refill !== null) this.#gate.waitFor(refill);
    return this.#gate.isOpen;
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
    this.#gate.drain();
  }

  onAnswerBroken(error: EgressError): void {
    this.#fail(error);
  }

  onUpgrade(headers: HeaderList, stream: Duplex, remoteAddress: string): void {
    this.#draft.upstreamAddress = remoteAddress;
    this.#progress();
    this.#try(() => {
      if (this.#isOver) return;
      const { loan: { webSocketText } } = this.#injected;
      const agentFrames = webSocketText === null ? null : new AgentFrames(webSocketText, this.#path.held.roomOf(this.agent));
      this.#webSocket = new WebSocketRelay({ ...this.#answerRelay.upgrade(headers), upstream: stream, agentFrames, closeMs: this.#path.config.webSocketCloseMs, observer: this });
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

  /** Of bodies and WebSockets, both ways. */
  get refill(): Promise<void> | null {
    return this.#count.refill;
  }

  onBodyBroken(cause: unknown): void {
    this.#fail(this.#answer.gone ?? new EgressError("relay.aborted", "the request body ended early", { cause }));
  }

  /** Counts, for bodies too. @returns false if the exchange is over or has just been cut */
  onBytes(direction: "request" | "response", bytes: number): boolean {
    if (this.#isOver) return false;
    this.#progress();
    const limit = direction === "request" ? this.#count.request(bytes) : this.#count.response(bytes);
    if (limit !== null) this.#fail(limit);
    return limit === null;
  }

  // From the boundary itself.

  async reconsider(): Promise<void> {
    const { head, read, answered, incoming: { connection } } = this.#draft;
    if (head === null || this.#isOver) return;
    const error = await noLongerAllowed({ head, connection, read, answered, allow: this.#allow }, this.#path.rooms);
    if (error !== null) this.#fail(error);
  }

  end(reason: Error): void {
    this.#fail(EgressError.from(reason));
  }

  endIfIdle(nowMs: number): void {
    if (this.#draft.openTime?.tick(nowMs) === false) return this.#fail(this.#count.exhausted("seconds"));
    const still = {
      silentMs: nowMs - this.#lastProgressMs, isWebSocket: this.#webSocket !== null,
      isBodyAwaited: this.#body?.isWaiting === true && !this.#answerRelay.isBegun, isAgentFull: this.#gate.isFull,
    };
    const error = endOfSilence(still, this.#path.config);
    if (error !== null) this.#fail(error);
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
    else if (error.code.startsWith("budget.") && this.#answerRelay.endAtEdge()) this.#endWell(error);
    else this.#end(error);
  }

  /** The agent has a complete answer, which ends as if it had reached a limit of output; the record says why. */
  #endWell(error: EgressError): void {
    this.#draft.error = error;
    this.#stop(error);
    this.#ending.resolve();
  }

  #end(error: EgressError): void {
    this.#stop(error);
    this.#ending.reject(error);
  }

  #stop(error: EgressError): void {
    this.#isOver = true;
    this.#answerRelay.close();
    this.#flow?.abort(error);
    this.#body?.destroy();
  }
}
