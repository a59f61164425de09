import { EventGate, type Verdict } from "./event-gate.ts";
import { NO_BYTES } from "./framing.ts";
import type { EventSight, Framing, StreamEvent } from "./framing.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * A JSON array of objects that arrive one after another: Gemini's `streamGenerateContent` without `alt=sse`. What stands between two elements goes on with the
 * later one, so that an ending of ours can follow any element.
 */
export class JsonArrayFraming implements Framing {
  readonly #gate: EventGate;
  /** 0: nothing yet; 1: between elements; more: inside one. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isBegun = false;
  #isOver = false;

  /** @param limitBytes largest element that is read */
  constructor(limitBytes: number) {
    this.#gate = new EventGate(limitBytes);
  }

  get isBlind(): boolean {
    return this.#gate.isBlind;
  }

  push(chunk: Buffer, see: EventSight): Buffer {
    if (this.#gate.isBlind || this.#isOver) return chunk;
    this.#gate.open(chunk);
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      if (!this.#step(chunk[at] ?? 0)) {
        this.#gate.giveUp();
        return this.#gate.close(start);
      }
      if (!this.#isComplete(chunk[at] ?? 0)) continue;
      // After the array nothing is read, and nothing is held.
      const end = this.#isOver ? chunk.length : at + 1;
      this.#gate.complete({ start, end }, (bytes) => this.#verdictOn(bytes, see));
      start = end;
      if (this.#isOver) break;
    }
    return this.#gate.close(start);
  }

  end(): Buffer {
    return this.#gate.end(() => "pass");
  }

  close(events: readonly StreamEvent[]): Buffer {
    if (this.#gate.isBlind || this.#isOver) return NO_BYTES;
    this.#gate.drop();
    this.#isOver = true;
    const elements = events.map(({ data }) => data).join(",");
    if (elements === "") return Buffer.from(this.#isBegun ? "]" : "[]");
    return Buffer.from(`${this.#isBegun ? "," : "["}${elements}]`);
  }

  /** @returns false if this is no array of objects */
  #step(byte: number): boolean {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isInString = false;
      return true;
    }
    if (OPENING.has(byte)) this.#depth += 1;
    else if (CLOSING.has(byte)) this.#depth -= 1;
    else if (this.#depth < 2) return SPACE.has(byte) || (byte === COMMA && this.#isBegun);
    else if (byte === QUOTE) this.#isInString = true;
    return this.#depth >= 0;
  }

  /** After an element, and after the array. */
  #isComplete(byte: number): boolean {
    if (this.#isInString || !CLOSING.has(byte)) return false;
    if (this.#depth === 0) this.#isOver = true;
    return this.#depth < 2;
  }

  #verdictOn(bytes: Buffer, see: EventSight): Verdict {
    if (this.#isOver) return "pass";
    const text = bytes.toString("utf8");
    this.#isBegun = true;
    // Elements are neither swallowed nor changed: nothing is ever added to a request of this form.
    see({ name: null, data: text.slice(text.indexOf("{")) });
    return "pass";
  }
}
