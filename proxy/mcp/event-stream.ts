import { isUtf8 } from "node:buffer";
import { EgressError } from "../errors.ts";
import { Pieces } from "./pieces.ts";

/** One event, or what stands between two blank lines without being one. */
export interface Block {
  /** `event`; null if it has none, which means `message`. */
  readonly type: string | null;
  /** The lines of `data`, joined; null if there are none, and then it is no event. */
  readonly data: string | null;
  /** All other fields, as written (`id: 7`, `retry: 100`). */
  readonly fields: readonly string[];
}

const [LF, CR, COLON] = [0x0a, 0x0d, 0x3a];
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
/** What some readers take for ends of lines besides LF and CR: `str.splitlines` of Python, and clients that are built on it. */
const OTHER_ENDS = /[\v\f\u001c-\u001e\u0085\u2028\u2029]/;
const ENDS_IN_JSON = /[\u0085\u2028\u2029]/g;
/** An event has a handful of fields, and a line of `data` for each line that a server wrote. */
const LINES_LIMIT = 100_000;

/**
 * Reads a stream of events (WHATWG HTML §9.2) however it is cut into pieces, with any of the three ends of line. Comments pass at once: they are how a server
 * keeps a connection. What it says is written again with one end of line, and nothing that readers know who take more for ends of lines than the standard
 * does, so that no two of them part it differently. An event that the stream does not end is none.
 */
export class EventReader {
  readonly #limitBytes: number;
  readonly #onBytes: (held: number) => void;
  /** The beginning of a line. */
  readonly #pending = new Pieces();
  #isAfterCr = false;
  #isFirstLine = true;
  #type: string | null = null;
  #data: string[] | null = null;
  #fields: string[] = [];
  #blockBytes = 0;
  #lines = 0;

  /** @param onBytes told how many bytes are held back whenever that changes; may throw */
  constructor(limitBytes: number, onBytes: (held: number) => void) {
    this.#limitBytes = limitBytes;
    this.#onBytes = onBytes;
  }

  /** @returns comments as written, and blocks that are complete @throws EgressError `upstream.malformed` */
  push(chunk: Buffer): readonly (string | Block)[] {
    const found: (string | Block)[] = [];
    let start = 0;
    for (let at = 0; at < chunk.byteLength; at += 1) {
      const byte = chunk[at];
      if (byte !== LF && byte !== CR) {
        this.#isAfterCr = false;
        continue;
      }
      // The second half of CR LF ends no line of its own.
      if (!(byte === LF && this.#isAfterCr)) this.#line(this.#pending.take(chunk.subarray(start, at)), found);
      this.#isAfterCr = byte === CR;
      start = at + 1;
    }
    if (start < chunk.byteLength) this.#keep(chunk.subarray(start));
    this.#onBytes(this.#pending.byteLength + this.#blockBytes);
    return found;
  }

  #keep(rest: Buffer): void {
    this.#pending.push(rest);
    this.#requireRoom();
  }

  #line(read: Buffer, found: (string | Block)[]): void {
    const bytes = this.#isFirstLine && read.subarray(0, BOM.byteLength).equals(BOM) ? read.subarray(BOM.byteLength) : read;
    this.#isFirstLine = false;
    if (bytes.byteLength === 0) return this.#complete(found);
    if (!isUtf8(bytes)) throw malformed("an event that is not UTF-8");
    const line = bytes.toString("utf8");
    if (bytes[0] === COLON) {
      found.push(OTHER_ENDS.test(line) ? ":" : line);
      return;
    }
    this.#blockBytes += bytes.byteLength;
    this.#lines += 1;
    this.#requireRoom();
    this.#field(line);
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (name !== "data" && OTHER_ENDS.test(line)) throw malformed("a field of an event, not its data, with a character that some readers take for the end of a line");
    if (name === "data") (this.#data ??= []).push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id" || name === "retry") this.#fields.push(line);
  }

  #complete(found: (string | Block)[]): void {
    found.push({ type: this.#type === "" ? null : this.#type, data: this.#data?.join("\n") ?? null, fields: this.#fields });
    this.#type = null;
    this.#data = null;
    this.#fields = [];
    this.#blockBytes = 0;
    this.#lines = 0;
  }

  #requireRoom(): void {
    if (this.#pending.byteLength + this.#blockBytes > this.#limitBytes || this.#lines > LINES_LIMIT) throw malformed(`an event of more than ${this.#limitBytes} bytes (mcp.eventBytes)`);
  }
}

/** A block as it is written; empty for one that says nothing. Its data is JSON, in which such characters stand in texts alone and can be escaped. */
export function blockText({ type, data, fields }: Block): string {
  const lines = [...fields, ...(type === null ? [] : [`event: ${type}`]), ...(data === null ? [] : data.replaceAll(ENDS_IN_JSON, escaped).split("\n").map((line) => `data: ${line}`))];
  return `${lines.map((line) => `${line}\n`).join("")}\n`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Data that is no JSON: whether all readers part it alike. */
export function isOneLine(text: string): boolean {
  return !OTHER_ENDS.test(text);
}

/** One event with a message in it. */
export function eventOf(message: object): Buffer {
  return Buffer.from(blockText({ type: "message", data: JSON.stringify(message), fields: [] }));
}

function malformed(detail: string): EgressError {
  return new EgressError("upstream.malformed", detail);
}
