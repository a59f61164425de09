import { parseJsonText } from "../../../common/json/parse-json.ts";
import { RegoObject, RegoSet, WrittenNumber, type RegoValue } from "../rego-value.ts";

/** Values within each other; more than OPA's own parser takes. */
const DEPTH_LIMIT = 1_000;

/**
 * @param unheld what becomes of a number that JavaScript would write otherwise, whole ones apart; by default the nearest, if there is one
 * @returns undefined if it is no JSON. Whole numbers keep all of their digits. @throws Error for what cannot be held: numbers beyond all measure, too deep values
 */
export function parseJson(text: string, unheld: (source: string) => number = nearest): RegoValue | undefined {
  try {
    return fromJson(parseJsonText(text, (source) => exact(source, unheld)), 0);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function exact(source: string, unheld: (source: string) => number): number | bigint {
  const value = Number(source);
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source);
  return String(value) === source ? value : unheld(source);
}

function nearest(source: string): number {
  const value = Number(source);
  if (!Number.isFinite(value)) throw new Error("a number beyond what can be calculated with");
  return value;
}

/** Of powers of two: what is beyond is no number to OPA (`ast.NumberChecked`), if it is written with an exponent. */
const LARGEST_EXPONENT = 100_000;

/** True for a number that OPA does not take. Right but for the numbers next to the limit. */
export function isOutOfRange(source: string): boolean {
  const [, whole = "", fraction = "", exponent = ""] = /^-?(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(source) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  if (exponent === "" || digits === "") return false;
  const log10 = Math.log10(Number(`0.${digits.slice(0, 17)}`)) + digits.length - fraction.length + Number(exponent);
  return Math.abs(Math.floor(log10 * Math.log2(10)) + 1) > LARGEST_EXPONENT;
}

function fromJson(value: unknown, depth: number): RegoValue {
  if (depth > DEPTH_LIMIT) throw new Error("values of JSON too deep within each other");
  if (Array.isArray(value)) return value.map((member) => fromJson(member, depth + 1));
  if (typeof value === "object" && value !== null) return new RegoObject(Object.entries(value).map(([key, of]) => [key, fromJson(of, depth + 1)] as const));
  return typeof value === "string" ? value.toWellFormed() : value as RegoValue;
}

/** As Go writes it: numbers as they were written, keys in order, and what a page of HTML would take for its own escaped; a set is a list. @returns null if a key is no text */
export function writeJson(value: RegoValue): string | null {
  if (typeof value === "string") return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value).replace("e+", "e");
  if (value instanceof WrittenNumber) return value.text;
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
