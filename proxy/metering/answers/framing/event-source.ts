import { EventGate, type Verdict } from "./event-gate.ts";
import { NO_BYTES } from "./framing.ts";
import type { EventSight, Fate, Framing, StreamEvent } from "./framing.ts";

const LF = 0x0a;
const CR = 0x0d;
const BOM = "\ufeff";

/**
 * `text/event-stream` (HTML standard, 9.2.6): lines end with LF, CRLF or CR, an empty line ends the event, lines that begin with a colon are comments. Unlike a
 * browser it sees an event that lacks its empty line at the end too: some clients do, and what it reports is charged either way.
 */
export class EventSourceFraming implements Framing {
  readonly #gate: EventGate;
  /** Bytes of the line that is not complete yet. */
  #lineBytes = 0;
  /** The last byte was CR: a LF now still belongs to that line end, and goes the way that line went. */
  #afterCr: "no" | "passed" | "swallowed" = "no";
  #isFirst = true;

  /** @param limitBytes largest event that is read */
  constructor(limitBytes: number) {
    this.#gate = new EventGate(limitBytes);
  }

  get isBlind(): boolean {
    return this.#gate.isBlind;
  }

  push(chunk: Buffer, see: EventSight): Buffer {
    if (this.#gate.isBlind || chunk.length === 0) return chunk;
    this.#gate.open(chunk);
    const lines = new LineEnds(chunk);
    let at = this.#restOfLineEnd(chunk);
    let start = at;
    for (let end = lines.after(at); end !== -1; end = lines.after(at)) {
      const isEmpty = this.#lineBytes + end - at === 0;
      const isCr = chunk[end] === CR;
      at = isCr && chunk[end + 1] === LF ? end + 2 : end + 1;
      this.#lineBytes = 0;
      const isSwallowed = isEmpty && this.#gate.complete({ start, end: at }, (event) => this.#verdictOn(event, see));
      if (isEmpty) start = at;
      if (isCr && end === chunk.length - 1) this.#afterCr = isSwallowed ? "swallowed" : "passed";
    }
    this.#lineBytes += chunk.length - at;
    return this.#gate.close(start);
  }

  end(see: EventSight): Buffer {
    return this.#gate.end((event) => this.#verdictOn(event, see));
  }

  close(events: readonly StreamEvent[]): Buffer {
    if (this.#gate.isBlind) return NO_BYTES;
    this.#gate.drop();
    // A stream that has said its end already: an empty line says nothing, and is an end of ours all the same.
    if (events.length === 0) return Buffer.from("\n");
    return Buffer.from(events.map(({ name, data }) => `${name === null ? "" : `event: ${name}\n`}data: ${data}\n\n`).join(""));
  }

  /** @returns where the first line of the chunk begins */
  #restOfLineEnd(chunk: Buffer): number {
    const after = this.#afterCr;
    this.#afterCr = "no";
    if (after === "no" || chunk[0] !== LF) return 0;
    this.#gate.follow({ start: 0, end: 1 }, after === "passed");
    return 1;
  }

  #verdictOn(bytes: Buffer, see: EventSight): Verdict {
    const text = bytes.toString("utf8");
    const event = readEvent(this.#isFirst && text.startsWith(BOM) ? text.slice(1) : text);
    this.#isFirst = false;
    return event === null ? "pass" : rewritten(text, event, see(event));
  }
}

/** Where the lines of one chunk end; CR and LF are looked for apart, so that a chunk without CR is searched by one native call for each line. */
class LineEnds {
  readonly #chunk: Buffer;
  #lf: number;
  #cr: number;

  constructor(chunk: Buffer) {
    this.#chunk = chunk;
    this.#lf = chunk.indexOf(LF);
    this.#cr = chunk.indexOf(CR);
  }

  /** @returns where the next line end at or after `at` is; -1 if there is none */
  after(at: number): number {
    if (this.#lf !== -1 && this.#lf < at) this.#lf = this.#chunk.indexOf(LF, at);
    if (this.#cr !== -1 && this.#cr < at) this.#cr = this.#chunk.indexOf(CR, at);
    if (this.#lf === -1) return this.#cr;
    return this.#cr === -1 ? this.#lf : Math.min(this.#lf, this.#cr);
  }
}

/** @returns null for an event without data: a comment, a field alone */
function readEvent(text: string): StreamEvent | null {
  let name: string | null = null;
  let data: string | null = null;
  // Most streams have no CR, and no pattern need be looked for in them.
  const lines = text.includes("\r") ? text.split(/\r\n|\n|\r/) : text.split("\n");
  for (const line of lines) {
    const value = valueOf(line, "data");
    if (value !== null) data = data === null ? value : `${data}\n${value}`;
    else name = valueOf(line, "event") ?? name;
  }
  return data === null ? null : { name, data };
}

/** @returns null if the line is of another field */
function valueOf(line: string, field: string): string | null {
  if (!line.startsWith(field)) return null;
  if (line.length === field.length) return "";
  if (line[field.length] !== ":") return null;
  return line.slice(field.length + (line[field.length + 1] === " " ? 2 : 1));
}

/** An event with several data lines, or with bytes that are no UTF-8, is never written anew: it would not be the same otherwise. */
function rewritten(text: string, event: StreamEvent, fate: Fate): Verdict {
  if (fate === "pass") return fate;
  if (fate === "swallow") return NO_BYTES;
  const at = text.indexOf(event.data);
  if (at === -1 || event.data.includes("\n") || text.includes("\ufffd")) return "pass";
  return Buffer.from(`${text.slice(0, at)}${fate.data}${text.slice(at + event.data.length)}`);
}
