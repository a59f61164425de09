import { isUtf8 } from "node:buffer";

/** A JSON object as parsed; nothing is known of its members. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why a text is not read. `unreadable`: it is no JSON, or too deep. `ambiguous`: two readers could understand it in two ways. */
export class JsonFault extends Error {
  override readonly name = "JsonFault";
  readonly kind: "unreadable" | "ambiguous";

  constructor(kind: JsonFault["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Deeper is no message of anybody, and readers give up at different depths. */
const DEPTH_LIMIT = 100;

/**
 * Reads JSON (RFC 8259) that no two readers understand in two ways: no name twice in an object, however it is written.
 * @param ignoreCase true to refuse names that differ in case alone too: readers in Go take one for the other
 * @throws JsonFault
 */
export function readJson(bytes: Buffer, ignoreCase: boolean): unknown {
  if (!isUtf8(bytes)) throw new JsonFault("unreadable", "it is not UTF-8");
  const text = bytes.toString("utf8");
  const value = parsed(text);
  refuseRepeatedNames(text, ignoreCase);
  return value;
}

/** The same value, whose numbers are written again as they were: `JSON.stringify` of it keeps ids and amounts that no double holds. @param bytes that `readJson` has read */
export function readJsonExactly(bytes: Buffer): unknown {
  return parsed(bytes.toString("utf8"), (value, source) => (typeof value === "number" && String(value) !== source ? rawJson(source) : value));
}

type Exact = (value: unknown, source: string) => unknown;
/** Of the language's standard (ES2026), not yet of its type declarations. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

function parsed(text: string, exact?: Exact): unknown {
  try {
    const revive = exact === undefined ? undefined : (_name: string, value: unknown, context?: { readonly source: string }) => exact(value, context?.source ?? "");
    return JSON.parse(text, revive as Parameters<typeof JSON.parse>[1]);
  } catch {
    throw new JsonFault("unreadable", "it is no JSON");
  }
}

/** @param text valid JSON @throws JsonFault */
function refuseRepeatedNames(text: string, ignoreCase: boolean): void {
  /** Names of the objects around; null for a list. */
  const around: (Set<string> | null)[] = [];
  let isNameNext = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "\"") {
      const end = endOfString(text, at);
      if (isNameNext) addName(around.at(-1) ?? null, text.slice(at, end + 1), ignoreCase);
      isNameNext = false;
      at = end;
    } else if (character === "{" || character === "[") {
      if (around.push(character === "{" ? new Set() : null) > DEPTH_LIMIT) throw new JsonFault("unreadable", `it is nested deeper than ${DEPTH_LIMIT} levels`);
      isNameNext = character === "{";
    } else if (character === ",") isNameNext = around.at(-1) !== null;
    else if (character === "}" || character === "]") {
      around.pop();
      isNameNext = false;
    }
  }
}

function addName(names: Set<string> | null, literal: string, ignoreCase: boolean): void {
  const written = literal.includes("\\") ? String(JSON.parse(literal)) : literal.slice(1, -1);
  const name = ignoreCase ? folded(written) : written;
  if (names?.has(name) === true) throw new JsonFault("ambiguous", "a name occurs twice in one object");
  names?.add(name);
}

/** As readers compare that do not look at case: `K` (Kelvin) and `ſ` (long s) are letters to them. */
export function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/** @param start of the opening quote @returns where the closing one is */
function endOfString(text: string, start: number): number {
  let end = text.indexOf("\"", start + 1);
  while (isEscaped(text, end)) end = text.indexOf("\"", end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes += 1;
  return backslashes % 2 === 1;
}
