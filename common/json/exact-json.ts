import { parseJsonText } from "./parse-json.ts";

/** Of the language's standard (ES2026), not yet of its type declarations. */
const { rawJSON, isRawJSON } = JSON as unknown as { rawJSON(text: string): unknown; isRawJSON(value: unknown): value is { readonly rawJSON: string } };

/**
 * A JSON value whose numbers are written again as they were: `JSON.stringify` of it keeps ids and amounts that no double holds. Escapes and white space
 * are the one thing that it does not keep.
 * @throws SyntaxError
 */
export function parseExactly(text: string): unknown {
  return parseJsonText(text, (source) => (String(Number(source)) === source ? Number(source) : rawJSON(source)));
}

/** The same of one number that was parsed by another parser. @param source as it was written @returns any other value as it is */
export function writtenAs(value: unknown, source: string): unknown {
  return typeof value === "number" && String(value) !== source && source !== "" ? rawJSON(source) : value;
}

/** @returns the double that a number is to a reader of doubles, however it is kept here; null for anything else */
export function doubleOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  return isRawJSON(value) ? Number(value.rawJSON) : null;
}

/** Whether it has members: a list has none, and a number that is kept as it was written has none either. */
export function hasMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isRawJSON(value);
}
