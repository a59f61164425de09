import { countTokens, loadTokenizer } from "./token-counter.ts";

/** Text that is kept for the final estimate, in characters; what is beyond it counts as the kept part does. */
const KEPT_CHARACTERS = 256 * 1024;
/** English and code have about four bytes to the token, digits and rare scripts fewer. Used as long as there is no tokenizer. */
const BYTES_PER_TOKEN = 3;
/** No tokenizer averages more than this over a text, runs of one character left out. */
const MOST_BYTES_PER_TOKEN = 16;
/** Providers count what nobody sees: roles, ends of turns, calls of tools. */
const MARGIN_PERCENT = 110;
const EVENT_TOKENS = 1;
/** 24 kHz PCM in base64 is 64 kB a second and at most 50 tokens. */
const AUDIO_BYTES_PER_TOKEN = 1_000;
/** A picture of 4K is 2,000 tokens. */
const IMAGE_TOKENS = 2_600;
const RUNS = /(.)\1{3,}|\s+/gsu;

/** Counts what a model is seen to write, as it streams: cheaply while it flows, with the tokenizer at the end. */
export class OutputTally {
  readonly #kept: string[] = [];
  #keptCharacters = 0;
  #keptBytes = 0;
  #textBytes = 0;
  #unclearBytes = 0;
  #mediaTokens = 0;
  #events = 0;

  /** Text that is certainly output: words, thoughts, arguments of tools. */
  text(text: string): void {
    if (text.length === 0) return;
    const bytes = Buffer.byteLength(text);
    this.#textBytes += bytes;
    this.#events += 1;
    if (this.#keptCharacters + text.length > KEPT_CHARACTERS) return;
    this.#kept.push(text);
    this.#keptCharacters += text.length;
    this.#keptBytes += bytes;
  }

  /** Bytes that may be output or not: an event that nobody can read, a kind of part that is not known. */
  unclear(bytes: number): void {
    this.#unclearBytes += bytes;
  }

  /** @param base64 of what is heard */
  audio(base64: string): void {
    this.#mediaTokens += Math.ceil(base64.length / AUDIO_BYTES_PER_TOKEN);
  }

  image(): void {
    this.#mediaTokens += IMAGE_TOKENS;
  }

  get isEmpty(): boolean {
    return this.#textBytes + this.#unclearBytes + this.#mediaTokens === 0;
  }

  /** No tokenizer makes more tokens of what was seen: each has at least one byte. */
  get most(): number {
    return this.#textBytes + this.#unclearBytes + this.#mediaTokens + this.#events * EVENT_TOKENS;
  }

  /** True if no tokenizer makes so few of it. Runs of one character, which some make one token of, are looked for only where it matters. */
  isMoreThan(tokens: number): boolean {
    if (this.#textBytes / MOST_BYTES_PER_TOKEN <= tokens) return false;
    return Buffer.byteLength(this.#kept.join("").replace(RUNS, " ")) / MOST_BYTES_PER_TOKEN > tokens;
  }

  /** What it probably came to, a tenth added. Until the tokenizer is loaded, which this begins, a third of the bytes. */
  estimate(): number {
    void loadTokenizer();
    const counted = countTokens(this.#kept.join(""));
    const perByte = counted === null || this.#keptBytes === 0 ? 1 / BYTES_PER_TOKEN : counted / this.#keptBytes;
    const words = counted !== null && this.#keptBytes === this.#textBytes ? counted : Math.ceil(this.#textBytes * perByte);
    return Math.ceil((words + Math.ceil(this.#unclearBytes / BYTES_PER_TOKEN)) * MARGIN_PERCENT / 100) + this.#mediaTokens;
  }
}
