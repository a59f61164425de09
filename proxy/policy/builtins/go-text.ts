import { RegoObject, RegoSet, WrittenNumber, type RegoValue } from "../rego-value.ts";

const ESCAPES: Readonly<Record<string, string>> = { "\x07": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"' };
/** What Go prints as it is: letters, marks, numbers, punctuation, symbols and the plain space. */
const PRINTABLE = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

/** Text as Go's `strconv.Quote` writes it. @param isAscii as its `QuoteToASCII` does */
export function goQuote(text: string, isAscii = false): string {
  return `"${Array.from(text, (character) => escaped(character, isAscii)).join("")}"`;
}

function escaped(character: string, isAscii: boolean): string {
  const known = ESCAPES[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  if (PRINTABLE.test(character) && !(isAscii && code > 0x7e)) return character;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, "0")}` : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** A value as OPA prints it inside a text: a space after each comma and colon, in Rego's order. */
export function goText(value: RegoValue): string {
  if (typeof value === "string") return goQuote(value);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value).replace("e+", "e");
  if (value instanceof WrittenNumber) return value.text;
  if (value instanceof RegoSet) return value.size === 0 ? "set()" : `{${value.members.map(goText).join(", ")}}`;
  if (value instanceof RegoObject) return `{${value.entries.map(([key, of]) => `${goText(key)}: ${goText(of)}`).join(", ")}}`;
  return `[${value.map(goText).join(", ")}]`;
}

/** The text of a template (`$"{x}"`) of its parts: text as it is, and for each expression the set of what it is, which is empty where it is undefined. */
export function goTemplate(parts: RegoValue): string | undefined {
  if (!Array.isArray(parts)) return undefined;
  const texts = (parts as readonly RegoValue[]).map((part) => {
    if (!(part instanceof RegoSet)) return shown(part);
    if (part.size > 1) throw new Error("an expression of a template has several values");
    return part.size === 0 ? "<undefined>" : shown(part.members[0] ?? null);
  });
  return texts.join("");
}

function shown(value: RegoValue): string {
  return typeof value === "string" ? value : goText(value);
}

export interface FloatForm {
  readonly verb: "e" | "f" | "g";
  /** Digits after the point, of `g` all that count; null for as many as tell the number from its neighbours. */
  readonly precision: number | null;
}

/** A number that is not below zero, as Go's `strconv.FormatFloat` writes it. */
export function goFloat(value: number, { verb, precision }: FloatForm): string {
  if (verb === "f") return precision === null ? plain(value) : fixed(value, precision);
  if (verb === "e") return goExponent(precision === null ? value.toExponential() : value.toExponential(precision));
  const digits = precision === null ? value.toExponential() : value.toExponential(Math.max(precision, 1) - 1);
  const [mantissa = "", exponent = "0"] = digits.split("e");
  const trimmed = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  const count = trimmed.replace(".", "").length;
  const power = Number(exponent);
  const wanted = precision === null ? 6 : Math.max(precision, 1);
  const most = precision !== null && wanted > count && count >= power + 1 ? count : wanted;
  if (power < -4 || power >= most) return goExponent(`${trimmed}e${exponent}`);
  return plain(Number(`${trimmed}e${exponent}`));
}

/** Of two that are as near, the even one, as Go rounds; `toFixed` takes the greater. */
function fixed(value: number, precision: number): string {
  // From here on `toFixed` writes an exponent, and all numbers are whole.
  if (value >= 1e21) return precision === 0 ? BigInt(value).toString() : `${BigInt(value)}.${"0".repeat(precision)}`;
  const text = value.toFixed(Math.min(precision, 100));
  const doubled = value * 2 * 10 ** precision;
  const isTie = precision <= 15 && Number.isSafeInteger(doubled) && doubled % 2 === 1 && doubled / 2 / 10 ** precision === value;
  if (!isTie) return text;
  const below = (doubled - 1) / 2;
  return ((below % 2 === 0 ? below : below + 1) / 10 ** precision).toFixed(precision);
}

/** Without an exponent, however long. */
function plain(value: number): string {
  const text = String(value);
  const [mantissa = "", exponent] = text.split("e");
  if (exponent === undefined) return text;
  const [whole = "", fraction = ""] = mantissa.split(".");
  const power = Number(exponent);
  if (power < 0) return `0.${"0".repeat(-power - 1)}${whole}${fraction}`;
  return whole + fraction.padEnd(power, "0");
}

/** At least two digits of exponent. */
function goExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
