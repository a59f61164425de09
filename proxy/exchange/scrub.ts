import type { Secret } from "../../common/secret.ts";
import { LOOK_BACK_BYTES, scanFor, type SecretScan } from "./secret-scan.ts";
import { SecretTrace } from "./secret-trace.ts";

const MASK = "*".charCodeAt(0);
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NOTHING: Buffer = Buffer.alloc(0);
/** Nobody says so many first characters of a secret by chance: where a text ends with them, they are masked. */
const TELLING_CHARACTERS = 8;
/** Fewer bytes are followed one by one at once: less than the way there and back. */
const FEW_BYTES = 32;

/**
 * Takes lent secrets out of one stream of an answer, in all forms of secret-patterns.ts. Each byte of a find becomes `*`, line ends stay, so that
 * lengths and framing stay true. Holds back only bytes that may be the beginning of a secret. Linear in what it reads. Best effort by nature:
 * a destination that transforms a secret in another way, or spreads it, gets it through; SECURITY.md names the ways.
 */
export class Scrubber {
  readonly #scan: SecretScan;
  readonly #trace: SecretTrace;
  readonly #onFind: (secret: number) => void;
  readonly #onProbe: (secret: number) => void;
  /** As they came, from the first that may begin a secret. */
  #held: Buffer = NOTHING;
  /** The same with finds masked; the same buffer if there are none. */
  #clean: Buffer = NOTHING;
  /** So many of them have been passed on already. */
  #sent = 0;
  /** Offset of the first held byte in the stream. */
  #origin = 0;
  #lastFindEnd = 0;
  /** Up to this offset of the stream it is looked closely, although nothing is suspect any more: what SecretScan looks back at must be free of finds. */
  #closeUntil = 0;

  /**
   * @param onFind told for each find which of the secrets it shows
   * @param onProbe told of each beginning that is more than chance explains and was none
   */
  constructor(secrets: readonly Secret[], onFind: (secret: number) => void = () => {}, onProbe: (secret: number) => void = () => {}) {
    this.#scan = scanFor(secrets);
    this.#trace = new SecretTrace(this.#scan.row);
    this.#onFind = onFind;
    this.#onProbe = onProbe;
  }

  /** True while bytes are held back that have HOT_CHARACTERS of a secret. */
  get isSure(): boolean {
    return this.#trace.isHot;
  }

  get isHolding(): boolean {
    return this.#held.byteLength > this.#sent;
  }

  /** @returns what may pass now; perhaps nothing */
  push(chunk: Buffer): Buffer {
    const from = this.#held.byteLength;
    const isClean = this.#clean === this.#held;
    if (from === 0) this.#held = this.#clean = chunk;
    else {
      this.#held = Buffer.concat([this.#held, chunk]);
      this.#clean = isClean ? this.#held : Buffer.concat([this.#clean, chunk]);
    }
    this.#follow(from);
    const keepFrom = Math.min(this.#held.byteLength, Math.max(0, this.#trace.earliest - this.#origin));
    const passed = this.#clean.subarray(this.#sent, Math.max(this.#sent, keepFrom));
    this.#forgetUpTo(keepFrom);
    return passed;
  }

  /** @returns what was held back, for a receiver that cannot wait; a long beginning of a secret is masked, and so is the rest of it that comes later */
  release(): Buffer {
    const begun = this.#trace.longestBegun(TELLING_CHARACTERS);
    if (begun !== null) this.#mask(begun.start - this.#origin, this.#held.byteLength, begun.secret);
    const rest = this.#clean.subarray(this.#sent);
    this.#sent = this.#held.byteLength;
    return rest;
  }

  /** @returns what was held back, at the end of the stream */
  flush(): Buffer {
    this.#noteProbe(this.#trace.telling);
    const rest = this.release();
    this.#forgetUpTo(this.#held.byteLength);
    this.#trace.clear();
    return rest;
  }

  /** Reads what is held from an offset on: fast while nothing is suspect, byte by byte where something is. */
  #follow(from: number): void {
    const { byteLength } = this.#held;
    for (let at = from; at < byteLength;) {
      if (this.#trace.isHot || this.#origin + at < this.#closeUntil || byteLength - at < FEW_BYTES) {
        this.#step(this.#held[at] as number, at);
        at += 1;
      } else {
        at = this.#skim(at);
        if (at < byteLength) this.#closeUntil = this.#origin + at + 1;
      }
    }
  }

  /** Goes on to where it gets hot, or to the end, and looks again at what had begun there. @returns the offset */
  #skim(from: number): number {
    const bytes = this.#held;
    const to = this.#scan.run(bytes, from, bytes.byteLength, this.#scan.stateFor(this.#trace.items()));
    this.#trace.clear();
    for (let at = this.#scan.quietBefore(bytes, 0, to); at < to; at += 1) this.#trace.step(bytes[at] as number, this.#origin + at);
    return to;
  }

  #step(byte: number, at: number): void {
    const before = this.#trace.isTelling ? this.#trace.telling : null;
    this.#trace.step(byte, this.#origin + at);
    if (!this.#trace.isTelling && this.#trace.finds.length === 0) this.#noteProbe(before);
    if (!this.#trace.isHot && this.#trace.finds.length === 0) return;
    this.#closeUntil = this.#origin + at + LOOK_BACK_BYTES;
    for (const { start, secret } of this.#trace.finds) this.#mask(start - this.#origin, at + 1, secret);
  }

  /** A find's own other writings, which end after it, are none. */
  #noteProbe(begun: { readonly start: number; readonly secret: number } | null): void {
    if (begun !== null && begun.start >= this.#lastFindEnd) this.#onProbe(begun.secret);
  }

  #mask(start: number, end: number, secret: number): void {
    const from = Math.max(0, start);
    if (this.#clean === this.#held) this.#clean = Buffer.from(this.#held);
    for (let at = from; at < end; at += 1) {
      if (this.#clean[at] !== LINE_FEED && this.#clean[at] !== CARRIAGE_RETURN) this.#clean[at] = MASK;
    }
    if (from + this.#origin >= this.#lastFindEnd) this.#onFind(secret);
    this.#lastFindEnd = this.#origin + end;
  }

  #forgetUpTo(offset: number): void {
    const isClean = this.#clean === this.#held;
    this.#origin += offset;
    this.#sent = Math.max(0, this.#sent - offset);
    this.#held = offset === this.#held.byteLength ? NOTHING : this.#held.subarray(offset);
    this.#clean = isClean ? this.#held : this.#clean.subarray(offset);
  }
}

/** A text that is complete, such as a field's value, with lent secrets masked. @param text latin1 */
export function scrubText(text: string, secrets: readonly Secret[], onFind?: (secret: number) => void, onProbe?: (secret: number) => void): string {
  if (!scanFor(secrets).isSuspect(text)) return text;
  const scrubber = new Scrubber(secrets, onFind, onProbe);
  const passed = scrubber.push(Buffer.from(text, "latin1"));
  return Buffer.concat([passed, scrubber.flush()]).toString("latin1");
}

/** Words about an answer, for log and audit, with lent secrets masked. @param words of any characters */
export function scrubWords(words: string, secrets: readonly Secret[]): string {
  if (secrets.length === 0) return words;
  const scrubber = new Scrubber(secrets);
  const passed = scrubber.push(Buffer.from(words));
  return Buffer.concat([passed, scrubber.flush()]).toString();
}
