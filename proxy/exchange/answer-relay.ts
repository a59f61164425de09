import type { Duplex } from "node:stream";
import type { EgressError } from "../errors.ts";
import type { Allow } from "../model/decision.ts";
import type { HeaderList } from "../model/request.ts";
import { AnswerBody, type AnswerBodyObserver } from "./answer-body.ts";
import { AnswerFilter } from "./answer-filter.ts";
import { AnswerFrames } from "./answer-frames.ts";
import type { ByteCount } from "./byte-count.ts";
import type { Injected } from "./inject.ts";
import { MeteredAnswer } from "./metered-answer.ts";
import type { ExchangeDraft } from "./open-record.ts";
import type { ExchangePath } from "./serve-exchange.ts";
import { watchMcp, type WatchMcp } from "./watch-mcp.ts";

/** Who hears what becomes of the answer. None of them may throw. */
export interface AnswerObserver {
  /** Something moved that the destination did not send just now. */
  onAnswerProgress(): void;
  /** More may come, after `data` returned false. */
  onAnswerWanted(): void;
  /** The agent has all of it. */
  onAnswerEnd(): void;
  onAnswerBroken(error: EgressError): void;
}

interface AnswerRelayParts {
  readonly observer: AnswerObserver;
  readonly allow: Allow;
  readonly path: ExchangePath;
}

/** One answer on its way from the destination to the agent. What throws does so with EgressError `upstream.*`. */
export class AnswerRelay implements AnswerBodyObserver {
  readonly #draft: ExchangeDraft;
  readonly #count: ByteCount;
  readonly #filter: AnswerFilter;
  readonly #observer: AnswerObserver;
  /** Null for the answer of whatever is no MCP server, or is not governed as one. */
  readonly #watch: WatchMcp | null;
  #body: AnswerBody | null = null;
  #trailers: HeaderList = [];

  constructor(draft: ExchangeDraft, { outbound, loan }: Injected, count: ByteCount, { observer, allow, path }: AnswerRelayParts) {
    this.#draft = draft;
    this.#count = count;
    this.#filter = new AnswerFilter(outbound, loan, {
      maxInformational: path.config.maxInformationalAnswers, metered: draft.call === null ? null : draft.call.facts.isStream ? "stream" : "whole",
      onProbe: (reference) => {
        const error = path.probes.note(draft.incoming.connection.agent.instance, reference);
        if (error !== null) observer.onAnswerBroken(error);
      },
    });
    this.#observer = observer;
    this.#watch = watchMcp(draft, allow, path);
    draft.redactions = this.#filter.redactions;
  }

  /** True once the final head was seen. */
  get isBegun(): boolean {
    return this.#filter.isBegun;
  }

  informational(status: number, headers: HeaderList): void {
    const passed = this.#filter.informational(status, headers);
    // 100 is ours to send, when the destination takes the body; HTTP/1.0 knows no 1xx.
    if (status !== 100 && this.#draft.head?.httpVersion !== "1.0") this.#draft.incoming.answer.inform(status, passed);
  }

  head(status: number, headers: HeaderList): void {
    const { answer } = this.#draft.incoming;
    const watched = this.#draft.mcpAnswer = this.#watch?.(status, headers, (bytes) => this.#body?.tell(bytes) ?? false) ?? null;
    const head = this.#filter.head(status, headers, watched !== null);
    const overLimit = head.hasBody ? this.#count.announced(head.contentLength ?? 0) : null;
    if (overLimit !== null) throw overLimit;
    this.#draft.status = status;
    const begin = () => { answer.head(status, head.headers, head.hasBody); };
    const isHeadLate = head.hasBody && watched?.isWhole === true;
    const filtered = watched === null ? null : { answer: watched, begin: isHeadLate ? begin : () => {} };
    const through = { codings: this.#filter.codings, filtered, metered: this.#metered(status, headers), scrubber: this.#filter.scrubber("body") };
    this.#body = new AnswerBody(answer, through, this);
    if (!isHeadLate) begin();
  }

  /** What counts the answer of a model; null for every other. */
  #metered(status: number, headers: HeaderList): MeteredAnswer | null {
    const { call, reservation, incoming: { connection } } = this.#draft;
    if (call === null || reservation === null) return null;
    const meter = this.#draft.answerMeter = call.watch(status, headers);
    return new MeteredAnswer(meter, call.worstCase, reservation, connection.signal);
  }

  /** @returns false when no more should come before `onAnswerWanted` */
  data(chunk: Buffer): boolean {
    this.#filter.requireBody();
    return this.#body?.data(chunk) ?? false;
  }

  end(trailers: HeaderList): void {
    this.#filter.requireWhole(this.#draft.responseBytes);
    this.#trailers = this.#filter.trailers(trailers);
    this.#body?.end();
  }

  /** Answers 101. @returns the agent's end of the WebSocket, and what masks the other's words */
  upgrade(headers: HeaderList): { readonly agent: Duplex; readonly frames: AnswerFrames | null } {
    const passed = this.#filter.upgrade(headers);
    const messages = this.#filter.scrubber("frame");
    const controls = this.#filter.scrubber("frame");
    this.#draft.status = 101;
    return { agent: this.#draft.incoming.answer.upgrade(passed), frames: messages === null || controls === null ? null : new AnswerFrames(messages, controls) };
  }

  /** The agent reads again. */
  resume(): void {
    if (this.#body === null) this.#observer.onAnswerWanted();
    else this.#body.resume();
  }

  /** @returns true if the agent now has an answer that ends in its API's own way, as if a limit of output had been reached */
  endAtEdge(): boolean {
    if (this.#body?.cut() !== true) return false;
    this.#draft.incoming.answer.end([]);
    return true;
  }

  close(): void {
    this.#body?.close();
  }

  onDecodedBytes(total: number): EgressError | null {
    this.#observer.onAnswerProgress();
    return this.#count.announced(total);
  }

  onAnswerWanted(): void {
    this.#observer.onAnswerWanted();
  }

  onAnswerExhausted(): void {
    this.#observer.onAnswerBroken(this.#count.exhausted("tokens"));
  }

  onAnswerEnd(): void {
    this.#draft.isAnswerWhole = true;
    this.#draft.incoming.answer.end(this.#trailers);
    this.#observer.onAnswerEnd();
  }

  onAnswerBroken(error: EgressError): void {
    this.#observer.onAnswerBroken(error);
  }
}
