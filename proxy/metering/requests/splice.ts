import { EgressError } from "../../errors.ts";
import { stringEnd } from "../../../common/json/string-end.ts";

/**
 * A value to be set in a JSON text: `["generationConfig", "maxOutputTokens"]` = 100, `["tools", 2, "max_uses"]` = 4. Objects on the way are made if they
 * are missing; an element of a list must be there.
 */
export interface Edit {
  readonly path: readonly (string | number)[];
  readonly value: number | boolean | readonly string[];
}

/** From `start` to before `end`, in bytes. */
interface Span {
  readonly start: number;
  readonly end: number;
}

const [QUOTE, OPEN, OPEN_LIST, CLOSE, CLOSE_LIST, COMMA] = [0x22, 0x7b, 0x5b, 0x7d, 0x5d, 0x2c];
const WHITE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * Sets values in a JSON text and leaves every other byte as it was: the order of keys, numbers larger than a double, white space.
 * @param text an object without keys that occur twice, as `scanJson` accepts it
 */
export function spliced(text: Buffer, edits: readonly Edit[]): Buffer {
  return edits.reduce((done, { path, value }) => setAt(done, path, JSON.stringify(value)), text);
}

function setAt(text: Buffer, path: Edit["path"], json: string): Buffer {
  let object: Span = { start: skipWhite(text, 0), end: text.length };
  for (const [index, key] of path.entries()) {
    const member = typeof key === "number" ? elementOf(text, object.start, key) : memberOf(text, object.start, key);
    const rest = path.slice(index + 1);
    if (member === null) return insert(text, object.start, nameOf(key), nested(rest, json));
    // `null` in place of an object is an object that is missing.
    if (rest.length === 0 || text[member.start] !== (typeof rest[0] === "number" ? OPEN_LIST : OPEN)) return replace(text, member, nested(rest, json));
    object = member;
  }
  return text;
}

function nested(path: Edit["path"], json: string): string {
  return path.reduceRight<string>((inner, key) => `{${JSON.stringify(nameOf(key))}:${inner}}`, json);
}

function nameOf(key: string | number): string {
  if (typeof key === "number") throw new EgressError("internal", "a value to be set is not in a list");
  return key;
}

function replace(text: Buffer, { start, end }: Span, json: string): Buffer {
  return Buffer.concat([text.subarray(0, start), Buffer.from(json), text.subarray(end)]);
}

/** As the first member, right after the brace. */
function insert(text: Buffer, brace: number, key: string, json: string): Buffer {
  const isEmpty = text[skipWhite(text, brace + 1)] === CLOSE;
  const member = `${JSON.stringify(key)}:${json}${isEmpty ? "" : ","}`;
  return replace(text, { start: brace + 1, end: brace + 1 }, member);
}

/** The value of a key in the object that begins at `brace`. */
function memberOf(text: Buffer, brace: number, wanted: string): Span | null {
  if (text[brace] !== OPEN) throw new EgressError("internal", "a value to be set is not in an object");
  let at = skipWhite(text, brace + 1);
  while (text[at] === QUOTE) {
    const keyEnd = stringEnd(text, at) + 1;
    const start = skipWhite(text, skipWhite(text, keyEnd) + 1);
    const end = valueEnd(text, start);
    if (JSON.parse(text.toString("utf8", at, keyEnd)) === wanted) return { start, end };
    at = skipWhite(text, end);
    if (text[at] === COMMA) at = skipWhite(text, at + 1);
  }
  return null;
}

/** The value at a place of the list that begins at `bracket`. */
function elementOf(text: Buffer, bracket: number, wanted: number): Span {
  let comma = text[bracket] === OPEN_LIST ? bracket : text.length;
  for (let index = 0; comma < text.length; index += 1) {
    const start = skipWhite(text, comma + 1);
    const end = valueEnd(text, start);
    if (index === wanted && end > start) return { start, end };
    const next = skipWhite(text, end);
    comma = text[next] === COMMA ? next : text.length;
  }
  throw new EgressError("internal", "a value to be set is not in a list");
}

/** @returns the place behind the value, white space left out */
function valueEnd(text: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === QUOTE) at = stringEnd(text, at);
    else if (byte === OPEN || byte === OPEN_LIST) depth += 1;
    else if (byte === CLOSE || byte === CLOSE_LIST) {
      if (depth === 0) return at;
      depth -= 1;
    } else if (depth === 0 && (byte === COMMA || WHITE.has(byte ?? 0))) return at;
    if (depth === 0 && (byte === QUOTE || byte === CLOSE || byte === CLOSE_LIST)) return at + 1;
  }
  return text.length;
}

function skipWhite(text: Buffer, start: number): number {
  let at = start;
  while (WHITE.has(text[at] ?? 0)) at += 1;
  return at;
}
