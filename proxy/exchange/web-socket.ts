import type { Duplex } from "node:stream";
import { EgressError } from "../errors.ts";
import type { AnswerFrames } from "./answer-frames.ts";
import { FrameTracker, closeFrame } from "./web-socket-frames.ts";
import type { AgentFrames } from "./web-socket-rewrite.ts";

/** Counts and limits. @returns false if the exchange must be cut; the observer then calls `close` with the reason */
export interface WebSocketObserver {
  onBytes(direction: "request" | "response", bytes: number): boolean;
  /** Until it resolves, no more should be read of either side; null while there is enough at hand. Never rejects. */
  readonly refill: Promise<void> | null;
}

export interface WebSocketParts {
  readonly agent: Duplex;
  readonly upstream: Duplex;
  /** Set when a credential was lent: the destination's frames then go through it. */
  readonly frames: AnswerFrames | null;
  /** Set when what is lent goes into the agent's text: its frames then go through it. */
  readonly agentFrames: AgentFrames | null;
  /** Time for an orderly end, in milliseconds. */
  readonly closeMs: number;
  readonly observer: WebSocketObserver;
}

/** RFC 6455 §7.4.1. */
const PROTOCOL_ERROR = 1002;
const POLICY_VIOLATION = 1008;

/**
 * Both directions of an open WebSocket: metered, with back-pressure, half-close passed on. It owns both streams. The borders of frames are
 * followed, so that the end of a permission can be told with 1008 between two frames; what is in them is read only where something is lent.
 */
export class WebSocketRelay {
  readonly #parts: WebSocketParts;
  readonly #fromAgent = new FrameTracker();
  readonly #fromUpstream = new FrameTracker();
  readonly #ending = Promise.withResolvers<void>();
  #closing: EgressError | null = null;
  #deadline: NodeJS.Timeout | undefined;
  #isToldWhy = false;
  #isRefilling = false;

  constructor(parts: WebSocketParts) {
    this.#parts = parts;
    const { agent, upstream } = parts;
    agent.on("data", this.#onAgentData).on("end", () => { upstream.end(); }).on("drain", () => { this.#goOn(); });
    upstream.on("data", this.#onUpstreamData).on("end", this.#onUpstreamEnd).on("drain", () => { this.#goOn(); });
    agent.on("error", () => { agent.destroy(); }).on("close", this.#onClose);
    upstream.on("error", () => { upstream.destroy(); }).on("close", this.#onClose);
  }

  /** Resolves when both sides are closed; rejects, no later than `closeMs` after `close`, with its reason. */
  get done(): Promise<void> {
    return this.#ending.promise;
  }

  /** Ends it in order: the frame that is under way is finished, then the agent is told 1008, or 1002 if the bytes were no frames. */
  close(error: EgressError): void {
    if (this.#closing !== null) return;
    this.#closing = error;
    this.#deadline = setTimeout(() => { this.#destroy(); }, this.#parts.closeMs);
    this.#parts.agent.off("data", this.#onAgentData).resume();
    if (this.#fromUpstream.isAtBoundary || this.#fromUpstream.fault !== null || (this.#parts.frames?.fault ?? null) !== null) this.#tellWhy();
    else this.#parts.upstream.resume();
  }

  readonly #onAgentData = (chunk: Buffer): void => {
    const { agent, upstream, observer, agentFrames } = this.#parts;
    if (!observer.onBytes("request", chunk.byteLength)) return;
    this.#fromAgent.follow(chunk);
    if (this.#fromAgent.fault !== null) return this.close(new EgressError("request.malformed", this.#fromAgent.fault));
    const sent = agentFrames === null ? chunk : agentFrames.push(chunk);
    const unfit = agentFrames?.fault ?? null;
    if (unfit !== null) return this.close(unfit);
    if (sent.byteLength > 0 && !upstream.write(sent)) agent.pause();
    this.#awaitRefill();
  };

  readonly #onUpstreamData = (chunk: Buffer): void => {
    const { agent, upstream, observer, frames } = this.#parts;
    if (this.#closing === null && !observer.onBytes("response", chunk.byteLength) && this.#closing === null) return;
    if (this.#isToldWhy) return;
    if (this.#closing !== null) return this.#finishFrame(chunk);
    this.#fromUpstream.follow(chunk);
    if (this.#fromUpstream.fault !== null) return this.close(new EgressError("upstream.malformed", this.#fromUpstream.fault));
    const clean = frames === null ? chunk : frames.push(chunk);
    if (clean.byteLength > 0 && !agent.write(clean)) upstream.pause();
    this.#awaitRefill();
    const fault = frames?.fault ?? null;
    if (fault !== null) this.close(new EgressError("upstream.malformed", fault));
  };

  #awaitRefill(): void {
    const { agent, upstream, observer: { refill } } = this.#parts;
    if (refill === null || this.#isRefilling) return;
    this.#isRefilling = true;
    agent.pause();
    upstream.pause();
    void refill.then(() => {
      this.#isRefilling = false;
      this.#goOn();
    });
  }

  /** Reads on from each side whose bytes the other takes. */
  #goOn(): void {
    const { agent, upstream } = this.#parts;
    if (this.#isRefilling) return;
    if (!upstream.writableNeedDrain) agent.resume();
    if (!agent.writableNeedDrain) upstream.resume();
  }

  readonly #onUpstreamEnd = (): void => {
    if (!this.#isToldWhy) this.#parts.agent.end();
  };

  /** The last bytes of the frame that was under way when the end was asked for. */
  #finishFrame(chunk: Buffer): void {
    const { agent, frames } = this.#parts;
    const last = chunk.subarray(0, this.#fromUpstream.followToBoundary(chunk));
    agent.write(frames === null ? last : frames.push(last));
    if (this.#fromUpstream.isAtBoundary || this.#fromUpstream.fault !== null) this.#tellWhy();
  }

  #tellWhy(): void {
    this.#isToldWhy = true;
    const { agent, upstream } = this.#parts;
    const error = this.#closing;
    const isBroken = error?.code === "request.malformed" || error?.code === "upstream.malformed";
    agent.end(closeFrame(isBroken ? PROTOCOL_ERROR : POLICY_VIOLATION, error?.code ?? ""));
    upstream.destroy();
  }

  #destroy(): void {
    this.#parts.agent.destroy();
    this.#parts.upstream.destroy();
    this.#settle();
  }

  readonly #onClose = (): void => {
    const { agent, upstream } = this.#parts;
    if (agent.destroyed && upstream.destroyed) return this.#settle();
    if (agent.destroyed) upstream.destroy();
    // The agent may still be reading what the destination said last.
    else if (this.#closing === null && !agent.writableEnded) agent.end();
  };

  #settle(): void {
    clearTimeout(this.#deadline);
    this.#parts.agentFrames?.release();
    if (this.#closing === null) this.#ending.resolve();
    else this.#ending.reject(this.#closing);
  }
}
