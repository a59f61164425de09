/** A JSON object as parsed; nothing is known of its members. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of the language's standard (ES2026), not yet of its type declarations. */
const { rawJSON, isRawJSON } = JSON as unknown as { rawJSON(text: string): unknown; isRawJSON(value: unknown): value is { readonly rawJSON: string } };

/** A number as `readExactly` gives it, however it is kept. @returns the double that it is to a reader of doubles; null for anything else */
export function doubleOf(value: unknown): number | null {
  if (typeof value === "number") return value;
  return isRawJSON(value) ? Number(value.rawJSON) : null;
}

/**
 * A JSON value whose numbers are written again as they were: `JSON.stringify` of it keeps ids and amounts that no double holds.
 * @param bytes that were read before, or perhaps no JSON at all
 * @throws SyntaxError
 */
export function readExactly(bytes: Buffer): unknown {
  const exact = (_name: string, value: unknown, context?: { readonly source: string }) =>
    (typeof value === "number" && context !== undefined && String(value) !== context.source ? rawJSON(context.source) : value);
  return JSON.parse(bytes.toString("utf8"), exact as Parameters<typeof JSON.parse>[1]);
}
