import { RegoObject, RegoSet, type RegoValue } from "../rego-value.ts";

/** Values within each other; more than OPA's own parser takes. */
const DEPTH_LIMIT = 1_000;

/** @returns undefined if it is no JSON. Whole numbers keep all of their digits. @throws Error for what cannot be held: numbers beyond all measure, too deep values */
export function parseJson(text: string): RegoValue | undefined {
  try {
    return fromJson(JSON.parse(text, (_, value: unknown, context?: { source?: string }) => (typeof value === "number" ? exact(value, context?.source) : value)), 0);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function exact(value: number, source: string | undefined): number | bigint {
  if (!Number.isFinite(value)) throw new Error("a number beyond what can be calculated with");
  return source !== undefined && /^-?\d+$/.test(source) && !Number.isSafeInteger(value) ? BigInt(source) : value;
}

function fromJson(value: unknown, depth: number): RegoValue {
  if (depth > DEPTH_LIMIT) throw new Error("values of JSON too deep within each other");
  if (Array.isArray(value)) return value.map((member) => fromJson(member, depth + 1));
  if (typeof value === "object" && value !== null) return new RegoObject(Object.entries(value).map(([key, of]) => [key, fromJson(of, depth + 1)] as const));
  return typeof value === "string" ? value.toWellFormed() : value as RegoValue;
}

/** As Go writes it: keys in order, and what a page of HTML would take for its own escaped; a set is a list. @returns null if a key is no text */
export function writeJson(value: RegoValue): string | null {
  if (typeof value === "string") return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  if (typeof value !== "object" || value === null) return String(value).replace("e+", "e");
  if (!(value instanceof RegoObject)) return joined("[", (value instanceof RegoSet ? value.members : value).map(writeJson), "]");
  const member = ([key, of]: readonly [RegoValue, RegoValue]) => {
    const text = writeJson(of);
    return typeof key === "string" && text !== null ? `${writeJson(key)}:${text}` : null;
  };
  return joined("{", value.entries.map(member), "}");
}

function joined(open: string, parts: readonly (string | null)[], close: string): string | null {
  return parts.includes(null) ? null : `${open}${parts.join(",")}${close}`;
}
