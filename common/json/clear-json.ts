import { isUtf8 } from "node:buffer";
import { setImmediate as nextTurn } from "node:timers/promises";
import { uncertainText } from "./certain-text.ts";
import { parseJsonText } from "./parse-json.ts";
import { stringEnd } from "./string-end.ts";
import { readNumber } from "./sure-number.ts";

/** Why a text is not read. `no-json`: nobody reads it. `unclear`: two readers could make different things of it. `too-much`: it has more in it than is read. */
export type JsonFaultKind = "no-json" | "unclear" | "too-much";

/** @property message ends a sentence that begins with "it is" or "a body with", as the kind says; no word of the text */
export class JsonFault extends Error {
  override readonly name = "JsonFault";
  readonly kind: JsonFaultKind;

  constructor(kind: JsonFaultKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** What is looked at besides keys that occur twice. */
export interface JsonWatch {
  /** Hears of each key, unescaped; `end` is the place of its closing quote, `depth` how deep its object stands (1 is outermost). */
  readonly onKey?: (key: string, end: number, depth: number) => void;
  /** True where a decision hangs on the values: numbers and texts that readers hold in different ways are refused, and keys of one object that differ in case alone. */
  readonly isDecidedBy?: boolean;
  /** With `isDecidedBy`: true for a number, by its key and how deep its object stands (1 is outermost), by which nothing is decided. */
  readonly isLoose?: (key: string, depth: number) => boolean;
}

/** A JSON text of which no two readers make different things. */
export interface ClearJson {
  readonly value: unknown;
  /** What the value takes in memory, in bytes, rather too much than too little. */
  readonly memoryBytes: number;
}

/** Deeper is no request of anybody. */
const DEPTH_LIMIT = 200;
/**
 * Objects, lists and keys together, and values of all lists and objects. Each becomes an object of ours, of a hundred bytes and more, while it is three
 * bytes of the body: 32 MiB of `{},` keep a proxy busy for seconds and fill its memory. The longest conversations have some ten thousand parts, and a list
 * of texts to embed 300,000 numbers (https://platform.openai.com/docs/api-reference/embeddings/create).
 */
const MOST: Limits = { parts: 100_000, values: 400_000, escaped: Number.POSITIVE_INFINITY };
/**
 * The same where a decision hangs on the values. Nobody calls a tool with as much, and what is read, parsed and written again for policy keeps others waiting:
 * at these limits some 15 ms, whatever the size of the body. `escaped` is both together beside a key that is written with an escape, which is read slowly.
 */
const MOST_DECIDED: Limits = { parts: 40_000, values: 160_000, escaped: 10_000 };
/** So much is walked over, or parsed, before others have their turn. */
const TURN_BYTES = 65_536;
/** A key is one part, and one more for each so many bytes: keys are compared, folded and kept. */
const KEY_BYTES_PER_PART = 64;
const BYTES_PER_PART = 100;
const BYTES_PER_VALUE = 16;
const [QUOTE, COMMA, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, MINUS, ZERO, NINE] = [0x22, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2d, 0x30, 0x39];
const [BACKSLASH, UPPER_A, UPPER_Z, NOT_ASCII] = [0x5c, 0x41, 0x5a, 0x80];
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Reads JSON (RFC 8259) of which no two readers make different things: a key that occurs twice in an object is refused, wherever it is, and a byte order mark
 * too. Numbers are doubles; who needs them exact reads the text. What is too much is refused before it is made.
 * @throws JsonFault
 */
export function readClearJson(bytes: Buffer, watch: JsonWatch = {}): ClearJson {
  const scan = new KeyScan(bytes, watch);
  scan.advance(bytes.length);
  return parsed(bytes, scan, watch);
}

/** The same of a text that may be long: others have their turn while it is walked over. @throws JsonFault */
export async function readClearJsonInTurns(bytes: Buffer, watch: JsonWatch = {}): Promise<ClearJson> {
  const scan = new KeyScan(bytes, watch);
  while (!scan.advance(TURN_BYTES)) await nextTurn();
  if (bytes.length > TURN_BYTES) await nextTurn();
  return parsed(bytes, scan, watch);
}

function parsed(bytes: Buffer, { parts, values }: KeyScan, watch: JsonWatch): ClearJson {
  try {
    const text = bytes.toString("utf8");
    const value = parseJsonText(text);
    const problem = watch.isDecidedBy === true ? uncertainText(text, value) : null;
    if (problem !== null) throw new JsonFault("unclear", problem);
    return { value, memoryBytes: bytes.byteLength + parts * BYTES_PER_PART + values * BYTES_PER_VALUE };
  } catch (cause) {
    if (cause instanceof JsonFault) throw cause;
    throw new JsonFault("no-json", "no JSON", { cause });
  }
}

/** An object or a list that is being walked over. */
interface Open {
  readonly isObject: boolean;
  /** Keys so far; null before the first. */
  keys: Set<string> | null;
}

interface Limits {
  readonly parts: number;
  readonly values: number;
  readonly escaped: number;
}

/** Walks over the text without judging it: what is wrong beside the keys, the parser finds. */
class KeyScan {
  readonly #bytes: Buffer;
  readonly #watch: JsonWatch;
  readonly #most: Limits;
  #at = 0;
  #hasEscapedKey = false;
  /** The objects and lists around the open one. */
  readonly #around: Open[] = [];
  #open: Open = { isObject: false, keys: null };
  #isKeyNext = false;
  /** The key that was read last, and how deep its object stands. */
  #key = "";
  #keyDepth = 0;
  parts = 0;
  values = 0;

  constructor(bytes: Buffer, watch: JsonWatch) {
    if (!isUtf8(bytes)) throw new JsonFault("unclear", "bytes that are not UTF-8");
    if (bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) throw new JsonFault("unclear", "a byte order mark");
    this.#bytes = bytes;
    this.#watch = watch;
    this.#most = watch.isDecidedBy === true ? MOST_DECIDED : MOST;
  }

  /** @param byBytes so far at least; a text in it is not parted @returns true once there is no more */
  advance(byBytes: number): boolean {
    const bytes = this.#bytes;
    const isExact = this.#watch.isDecidedBy === true;
    const end = Math.min(bytes.length, this.#at + byBytes);
    let at = this.#at;
    for (; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      switch (byte) {
        case QUOTE: {
          const closing = stringEnd(bytes, at);
          if (this.#isKeyNext) this.#readKey(at, closing);
          at = closing;
          break;
        }
        case COMMA: this.#next(); break;
        case OPEN: this.#enter(true); break;
        case OPEN_LIST: this.#enter(false); break;
        case CLOSE: case CLOSE_LIST: this.#leave(); break;
        default: if (isExact && (byte === MINUS || (byte >= ZERO && byte <= NINE))) at = this.#number(at); break;
      }
    }
    this.#at = at;
    if (this.#hasEscapedKey && this.parts + this.values > this.#most.escaped) throw new JsonFault("too-much", `more than ${this.#most.escaped} values and keys, one of them escaped`);
    return at >= bytes.length;
  }

  #enter(isObject: boolean): void {
    this.#countPart();
    if (this.#around.push(this.#open) > DEPTH_LIMIT) throw new JsonFault("too-much", `values nested deeper than ${DEPTH_LIMIT} levels`);
    this.#open = { isObject, keys: null };
    this.#isKeyNext = isObject;
  }

  #leave(): void {
    this.#open = this.#around.pop() ?? { isObject: false, keys: null };
    this.#isKeyNext = false;
  }

  #next(): void {
    this.values += 1;
    if (this.values > this.#most.values) throw new JsonFault("too-much", `more than ${this.#most.values} values`);
    this.#isKeyNext = this.#open.isObject;
  }

  #countPart(weight = 1): void {
    this.parts += weight;
    if (this.parts > this.#most.parts) throw new JsonFault("too-much", `more than ${this.#most.parts} objects, lists and keys, long keys counted several times`);
  }

  #readKey(start: number, end: number): void {
    this.#countPart(1 + Math.floor((end - start) / KEY_BYTES_PER_PART));
    const writing = writingOf(this.#bytes, start + 1, end);
    const raw = this.#bytes.toString(writing === "other" ? "utf8" : "latin1", start + 1, end);
    const key = writing === "other" && raw.includes("\\") ? unescaped(raw) : raw;
    this.#hasEscapedKey ||= key !== raw;
    const told = this.#watch.isDecidedBy === true && writing !== "small" ? foldedKey(key) : key;
    this.#isKeyNext = false;
    this.#key = key;
    this.#keyDepth = this.#around.length;
    const keys = this.#open.keys ??= new Set();
    const before = keys.size;
    if (keys.add(told).size === before) throw new JsonFault("unclear", "a key that occurs twice in one object");
    this.#watch.onKey?.(key, end, this.#keyDepth);
  }

  /** @returns the place of its last character */
  #number(start: number): number {
    const { end, isSure } = readNumber(this.#bytes, start);
    if (!isSure && !this.#isLoose()) throw new JsonFault("unclear", "a number that not every reader holds exactly");
    return end - 1;
  }

  /** Of a number that is the value of a key itself. */
  #isLoose(): boolean {
    return this.#open.isObject && this.#keyDepth === this.#around.length && this.#watch.isLoose?.(this.#key, this.#keyDepth) === true;
  }
}

/** Readers in Go take keys that differ in case alone for one; `K` (Kelvin) and `ſ` (long s) are letters to them. */
export function foldedKey(key: string): string {
  return key.toUpperCase().toLowerCase();
}

/** How a key is written: in ASCII without escapes, without capitals too (`small`), or in any other way. Most are short and small, and cost least. */
function writingOf(bytes: Buffer, start: number, end: number): "small" | "ascii" | "other" {
  let hasCapitals = false;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= NOT_ASCII || byte === BACKSLASH) return "other";
    hasCapitals ||= byte >= UPPER_A && byte <= UPPER_Z;
  }
  return hasCapitals ? "ascii" : "small";
}

function unescaped(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch (cause) {
    throw new JsonFault("no-json", "a key that is no JSON string", { cause });
  }
}
