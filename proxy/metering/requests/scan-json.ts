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
/** Keys of all objects together: each is held while its object is read. */
const KEY_LIMIT = 1_000_000;
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

/** Walks over the text without judging it: what is wrong beside the keys, the parser finds. */
class KeyScan {
  readonly #bytes: Buffer;
  /** Keys of each open object; null for an array. */
  readonly #open: (Set<string> | null)[] = [];
  #keys: Set<string> | null = null;
  #isKeyNext = false;
  #keyCount = 0;
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
        case COMMA: this.#isKeyNext = this.#keys !== null; break;
        case OPEN: this.#enter(new Set()); break;
        case OPEN_LIST: this.#enter(null); break;
        case CLOSE: case CLOSE_LIST: this.#leave(); break;
        default: break;
      }
    }
    return this.#cacheWrites;
  }

  #enter(keys: Set<string> | null): void {
    if (this.#open.push(this.#keys) > DEPTH_LIMIT) throw malformed(`a body nested deeper than ${DEPTH_LIMIT} levels`);
    this.#keys = keys;
    this.#isKeyNext = keys !== null;
  }

  #leave(): void {
    this.#keys = this.#open.pop() ?? null;
    this.#isKeyNext = false;
  }

  #key(start: number, end: number): void {
    const raw = this.#bytes.toString("utf8", start + 1, end);
    const key = raw.includes("\\") ? unescaped(raw) : raw;
    this.#isKeyNext = false;
    this.#keyCount += 1;
    if (this.#keys?.has(key) === true) throw malformed("a key that occurs twice in one object");
    if (this.#keyCount > KEY_LIMIT) throw malformed(`a body with more than ${KEY_LIMIT} keys`);
    this.#keys?.add(key);
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

function malformed(detail: string): EgressError {
  return new EgressError("request.malformed", detail);
}
