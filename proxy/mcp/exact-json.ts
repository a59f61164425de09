import { hasMembers, parseExactly } from "../../common/json/exact-json.ts";

/** A JSON object as parsed; nothing is known of its members. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject: (value: unknown) => value is JsonObject = hasMembers;

/** See `parseExactly`. @param bytes that were read before, or perhaps no JSON at all @throws SyntaxError */
export function readExactly(bytes: Buffer): unknown {
  return parseExactly(bytes.toString("utf8"));
}
