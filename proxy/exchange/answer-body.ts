import type { EgressError } from "../errors.ts";
import type { Answer } from "../model/incoming.ts";
import { AnswerDecoder, type DecoderSink } from "./answer-decoder.ts";
import type { Scrubber } from "./scrub.ts";

/** Who drives the body. None of them may throw. */
export interface AnswerBodyObserver {
  /** So many bytes came out of a decoder so far. @returns why the exchange must be cut, or null */
  onDecodedBytes(total: number): EgressError | null;
  /** More may come, after `data` returned false. */
  onAnswerWanted(): void;
  onAnswerEnd(): void;
  onAnswerBroken(error: EgressError): void;
}

/** How long a few bytes, which begin a secret by chance, wait for the next ones: not noticed in a stream, and long between two packets. In milliseconds. */
const RELEASE_AFTER_MS = 20;

/** The body of an answer on its way: decoded if it has to be, scrubbed, given to the agent no faster than it reads. */
export class AnswerBody implements DecoderSink {
  readonly #answer: Answer;
  readonly #scrubber: Scrubber | null;
  readonly #observer: AnswerBodyObserver;
  readonly #decoder: AnswerDecoder | null;
  #decodedBytes = 0;
  #release: NodeJS.Timeout | undefined;

  /** @param codings what it has to be decoded from, outermost last @param scrubber null when nothing was lent: then bytes pass untouched */
  constructor(answer: Answer, scrubber: Scrubber | null, codings: readonly string[], observer: AnswerBodyObserver) {
    this.#answer = answer;
    this.#scrubber = scrubber;
    this.#observer = observer;
    this.#decoder = codings.length === 0 ? null : new AnswerDecoder(codings, this);
  }

  /** @returns false when no more should come before `onAnswerWanted` */
  data(chunk: Buffer): boolean {
    return this.#decoder === null ? this.#pass(chunk) : this.#decoder.write(chunk);
  }

  /** Everything has come; `onAnswerEnd` says when it has gone. */
  end(): void {
    if (this.#decoder === null) this.onDecodedEnd();
    else this.#decoder.end();
  }

  /** The agent reads again. */
  resume(): void {
    if (this.#decoder === null) this.#observer.onAnswerWanted();
    else this.#decoder.resume();
  }

  close(): void {
    clearTimeout(this.#release);
    this.#decoder?.destroy();
  }

  onDecoded(bytes: Buffer): boolean {
    this.#decodedBytes += bytes.byteLength;
    const overLimit = this.#observer.onDecodedBytes(this.#decodedBytes);
    if (overLimit === null) return this.#pass(bytes);
    this.onUndecodable(overLimit);
    return false;
  }

  onDecodedEnd(): void {
    clearTimeout(this.#release);
    const rest = this.#scrubber?.flush();
    if (rest !== undefined && rest.byteLength > 0) this.#answer.data(rest);
    this.#observer.onAnswerEnd();
  }

  onUndecodable(error: EgressError): void {
    this.close();
    this.#observer.onAnswerBroken(error);
  }

  onWanted(): void {
    this.#observer.onAnswerWanted();
  }

  #pass(bytes: Buffer): boolean {
    if (this.#scrubber === null) return this.#answer.data(bytes);
    const clean = this.#scrubber.push(bytes);
    clearTimeout(this.#release);
    if (this.#scrubber.isHolding && !this.#scrubber.isSure) this.#release = setTimeout(this.#giveUp, RELEASE_AFTER_MS);
    return clean.byteLength === 0 || this.#answer.data(clean);
  }

  /** The end of an event that the agent waits for must not be kept because it looks like the first letter of a secret. */
  readonly #giveUp = (): void => {
    const rest = this.#scrubber?.release();
    if (rest !== undefined && rest.byteLength > 0) this.#answer.data(rest);
  };
}
