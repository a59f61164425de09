import { EgressError } from "../errors.ts";
import type { Answer } from "../model/incoming.ts";
import { AnswerDecoder, type DecoderSink } from "./answer-decoder.ts";
import type { McpAnswer } from "../mcp/mcp.ts";
import { FilteredAnswer, type FilteredSink } from "./filtered-answer.ts";
import type { MeteredAnswer } from "./metered-answer.ts";
import type { Scrubber } from "./scrub.ts";

/** What the bytes go through, in this order. */
export interface AnswerPassage {
  /** What they have to be decoded from, outermost last. */
  readonly codings: readonly string[];
  /** Takes out of the answer of an MCP server what the agent may not see, and says when its head may go; null for every other. */
  readonly filtered: { readonly answer: McpAnswer; readonly begin: () => void } | null;
  /** Counts the answer of a model; null for every other. */
  readonly metered: MeteredAnswer | null;
  /** Null when nothing was lent. */
  readonly scrubber: Scrubber | null;
}

/** Who drives the body. None of them may throw. */
export interface AnswerBodyObserver {
  /** So many bytes came out of a decoder so far. @returns why the exchange must be cut, or null */
  onDecodedBytes(total: number): EgressError | null;
  /** More may come, after `data` returned false. */
  onAnswerWanted(): void;
  /** A budget has no room for the rest of it. */
  onAnswerExhausted(): void;
  onAnswerEnd(): void;
  onAnswerBroken(error: EgressError): void;
}

/** How long a few bytes, which begin a secret by chance, wait for the next ones: not noticed in a stream, and long between two packets. In milliseconds. */
const RELEASE_AFTER_MS = 20;

/** The body of an answer on its way: decoded if it has to be, filtered, counted, scrubbed, given to the agent no faster than it reads and budgets have room. */
export class AnswerBody implements DecoderSink, FilteredSink {
  readonly #answer: Answer;
  readonly #filtered: FilteredAnswer | null;
  readonly #metered: MeteredAnswer | null;
  readonly #scrubber: Scrubber | null;
  readonly #observer: AnswerBodyObserver;
  readonly #decoder: AnswerDecoder | null;
  #decodedBytes = 0;
  /** The ledger is being asked whether more may be used. */
  #isAsking = false;
  #isAgentFull = false;
  #isClosed = false;
  #release: NodeJS.Timeout | undefined;

  constructor(answer: Answer, { codings, filtered, metered, scrubber }: AnswerPassage, observer: AnswerBodyObserver) {
    this.#answer = answer;
    this.#filtered = filtered === null ? null : new FilteredAnswer(filtered.answer, filtered.begin, this);
    this.#metered = metered;
    this.#scrubber = scrubber;
    this.#observer = observer;
    this.#decoder = codings.length === 0 ? null : new AnswerDecoder(codings, this);
  }

  /** @returns false when no more should come before `onAnswerWanted` */
  data(chunk: Buffer): boolean {
    return this.#decoder === null ? this.#enter(chunk) : this.#decoder.write(chunk);
  }

  /** Everything has come; `onAnswerEnd` says when it has gone. */
  end(): void {
    if (this.#decoder === null) this.onDecodedEnd();
    else this.#decoder.end();
  }

  /** The agent reads again. */
  resume(): void {
    this.#isAgentFull = false;
    this.#goOn();
  }

  /** @returns true if the answer now ends as if it had reached a limit of output; nothing more is passed on either way */
  cut(): boolean {
    const last = this.#metered?.cut();
    this.close();
    if (last === undefined || last.byteLength === 0) return false;
    this.#toAgent(last);
    this.#flush();
    return true;
  }

  /** Sends bytes of ours between those of the destination. @returns false where the agent reads no more: nothing is kept for it then, and nothing was sent */
  tell(bytes: Buffer): boolean {
    if (this.#isClosed || this.#isAgentFull) return false;
    this.#isAgentFull = !this.#toAgent(bytes);
    return true;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#release);
    this.#filtered?.close();
    this.#decoder?.destroy();
  }

  onDecoded(bytes: Buffer): boolean {
    this.#decodedBytes += bytes.byteLength;
    const overLimit = this.#observer.onDecodedBytes(this.#decodedBytes);
    if (overLimit !== null) this.onUndecodable(overLimit);
    return overLimit === null && this.#safely(() => this.#enter(bytes));
  }

  onDecodedEnd(): void {
    if (this.#filtered === null) this.onFilteredEnd();
    else this.#filtered.end();
  }

  onFiltered(bytes: Buffer): void {
    this.#safely(() => this.#pass(bytes));
  }

  onFilterIdle(): void {
    this.#goOn();
  }

  onFilterBroken(error: EgressError): void {
    this.onUndecodable(error);
  }

  onFilteredEnd(): void {
    clearTimeout(this.#release);
    try {
      if (this.#metered !== null) this.#toAgent(this.#metered.end());
      this.#flush();
    } catch (cause) {
      return this.onUndecodable(unfit(cause));
    }
    this.#observer.onAnswerEnd();
  }

  onUndecodable(error: EgressError): void {
    this.close();
    this.#observer.onAnswerBroken(error);
  }

  onWanted(): void {
    this.#observer.onAnswerWanted();
  }

  /** What a decoder or a filter hands over has nobody above who would catch. */
  #safely(pass: () => boolean): boolean {
    try {
      return pass();
    } catch (cause) {
      this.onUndecodable(unfit(cause));
      return false;
    }
  }

  #enter(bytes: Buffer): boolean {
    if (this.#filtered === null) return this.#pass(bytes);
    // A parser that is resumed may hand over nothing first; to wait for that would have it resumed again, for ever.
    if (bytes.byteLength > 0) this.#filtered.push(bytes);
    return !this.#filtered.isBusy && !this.#isAgentFull;
  }

  #pass(bytes: Buffer): boolean {
    if (!this.#toAgent(this.#metered === null ? bytes : this.#metered.push(bytes))) this.#isAgentFull = true;
    if (this.#metered === null) return !this.#isAgentFull;
    const asked = this.#isAsking ? null : this.#metered.ask();
    if (asked !== null) void this.#waitFor(this.#metered, asked);
    return !this.#isAgentFull && !this.#isAsking;
  }

  async #waitFor(metered: MeteredAnswer, first: Promise<boolean>): Promise<void> {
    this.#isAsking = true;
    let isGranted = true;
    for (let asked: Promise<boolean> | null = first; asked !== null && isGranted; asked = metered.ask()) isGranted = await asked;
    this.#isAsking = false;
    if (this.#isClosed) return;
    if (isGranted) this.#goOn();
    else this.#observer.onAnswerExhausted();
  }

  #goOn(): void {
    if (this.#isAgentFull || this.#isAsking || this.#filtered?.isBusy === true) return;
    if (this.#decoder === null) this.#observer.onAnswerWanted();
    else this.#decoder.resume();
  }

  #toAgent(bytes: Buffer): boolean {
    if (bytes.byteLength === 0) return true;
    if (this.#scrubber === null) return this.#answer.data(bytes);
    const clean = this.#scrubber.push(bytes);
    clearTimeout(this.#release);
    if (this.#scrubber.isHolding && !this.#scrubber.isSure) this.#release = setTimeout(this.#giveUp, RELEASE_AFTER_MS);
    return clean.byteLength === 0 || this.#answer.data(clean);
  }

  #flush(): void {
    const rest = this.#scrubber?.flush();
    if (rest !== undefined && rest.byteLength > 0) this.#answer.data(rest);
  }

  /** The end of an event that the agent waits for must not be kept because it looks like the first letter of a secret. */
  readonly #giveUp = (): void => {
    const rest = this.#scrubber?.release();
    if (rest !== undefined && rest.byteLength > 0) this.#answer.data(rest);
  };
}

function unfit(cause: unknown): EgressError {
  return new EgressError("internal", "the answer could not be passed on", { cause });
}
