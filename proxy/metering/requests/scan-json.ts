import { isUtf8 } from "node:buffer";
import { EgressError } from "../../errors.ts";
import { stringEnd } from "./json-string.ts";

/** What a look at every key of a JSON text finds, beside its value. */
export interface ScannedJson {
  readonly value: unknown;
  /** What it asks to be kept in the provider's cache: nothing, entries of five minutes, or of an hour (and whatever else `ttl` says). */
  readonly cacheWrites: "none" | "5m" | "1h";
}

/** Deeper is no request of anybody. */
const DEPTH_LIMIT = 200;
/**
 * Objects, lists and keys together, and values of all lists and objects. Each becomes an object of ours, of a hundred bytes and more, while it is three
 * bytes of the body: 32 MiB of `{},` keep a proxy busy for seconds and fill its memory. The longest conversations have some ten thousand parts, and a list
 * of texts to embed 300,000 numbers (https://platform.openai.com/docs/api-reference/embeddings/create).
 */
const PART_LIMIT = 100_000;
const VALUE_LIMIT = 400_000;
/** A key is one part, and one more for each so many bytes: keys are compared, folded and kept. */
const KEY_BYTES_PER_PART = 64;
/** Names of Anthropic and of Bedrock. */
const CACHE_KEYS = new Set(["cache_control", "cachePoint"]);
const [QUOTE, COMMA, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [0x22, 0x2c, 0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Reads JSON (RFC 8259) of which no two readers make different things: a key that occurs twice in an object is refused, wherever it is, and
 * a byte order mark too. Numbers are doubles; who needs them exact reads the text.
 * @throws EgressError `request.malformed`
 */
export function scanJson(bytes: Buffer): ScannedJson {
  if (!isUtf8(bytes)) throw malformed("a body that is not UTF-8");
  const cacheWrites = new KeyScan(bytes).run();
  try {
    return { value: JSON.parse(bytes.toString("utf8")), cacheWrites };
  } catch (cause) {
    throw new EgressError("request.malformed", "a body that is no JSON", { cause });
  }
}

/** An object or a list that is being walked over. */
interface Open {
  readonly isObject: boolean;
  /** Keys so far; null before the first. */
  keys: Set<string> | null;
}

/** Walks over the text without judging it: what is wrong beside the keys, the parser finds. */
class KeyScan {
  readonly #bytes: Buffer;
  /** The objects and lists around the open one. */
  readonly #around: Open[] = [];
  #open: Open = { isObject: false, keys: null };
  #isKeyNext = false;
  #parts = 0;
  #values = 0;
  #cacheWrites: ScannedJson["cacheWrites"] = "none";

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  run(): ScannedJson["cacheWrites"] {
    const bytes = this.#bytes;
    for (let at = 0; at < bytes.length; at += 1) {
      switch (bytes[at] ?? 0) {
        case QUOTE: {
          const end = stringEnd(bytes, at);
          if (this.#isKeyNext) this.#key(at, end);
          at = end;
          break;
        }
        case COMMA: this.#next(); break;
        case OPEN: this.#enter(true); break;
        case OPEN_LIST: this.#enter(false); break;
        case CLOSE: case CLOSE_LIST: this.#leave(); break;
        default: break;
      }
    }
    return this.#cacheWrites;
  }

  #enter(isObject: boolean): void {
    this.#countPart();
    if (this.#around.push(this.#open) > DEPTH_LIMIT) throw malformed(`a body nested deeper than ${DEPTH_LIMIT} levels`);
    this.#open = { isObject, keys: null };
    this.#isKeyNext = isObject;
  }

  #leave(): void {
    this.#open = this.#around.pop() ?? { isObject: false, keys: null };
    this.#isKeyNext = false;
  }

  #next(): void {
    this.#values += 1;
    if (this.#values > VALUE_LIMIT) throw tooManyParts(`more than ${VALUE_LIMIT} values`);
    this.#isKeyNext = this.#open.isObject;
  }

  #countPart(weight = 1): void {
    this.#parts += weight;
    if (this.#parts > PART_LIMIT) throw tooManyParts(`more than ${PART_LIMIT} objects, lists and keys, long keys counted several times`);
  }

  #key(start: number, end: number): void {
    this.#countPart(1 + Math.floor((end - start) / KEY_BYTES_PER_PART));
    const raw = this.#bytes.toString("utf8", start + 1, end);
    const key = raw.includes("\\") ? unescaped(raw) : raw;
    this.#isKeyNext = false;
    const keys = this.#open.keys ??= new Set();
    if (keys.has(key)) throw malformed("a key that occurs twice in one object");
    keys.add(key);
    if (CACHE_KEYS.has(key) && this.#cacheWrites === "none") this.#cacheWrites = "5m";
    // Whatever else it may be, an hour is the longest and dearest there is.
    if (key === "ttl" && !/^\s*:\s*"5m"/.test(this.#bytes.toString("latin1", end + 1, end + 40))) this.#cacheWrites = "1h";
  }
}

function unescaped(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch (cause) {
    throw new EgressError("request.malformed", "a key that is no JSON string", { cause });
  }
}

/** @param detail ends a sentence */
function tooManyParts(detail: string): EgressError {
  const reason = `What this request to a model may cost is not read: its body has ${detail}.`;
  return new EgressError("request.malformed", `a body with ${detail}`, { explanation: { rule: "metering.malformed", reason, hint: "Send less at a time." } });
}

function malformed(detail: string): EgressError {
  return new EgressError("request.malformed", detail);
}
