import { RegoObject, type RegoValue } from "../rego-value.ts";
import { bitsOf, exact, shiftLeft, shiftRight } from "./bits.ts";
import { decodeBase64 } from "./encodings.ts";
import { matchesGlob } from "./globs.ts";
import { goTemplate } from "./go-text.ts";
import { isOutOfRange, parseJson, writeJson } from "./json-text.ts";
import { networksContain, networksIntersect } from "./networks.ts";
import { isPattern, matchesPattern, submatches } from "./regular-expressions.ts";
import { replacedAll } from "./replacements.ts";

/** Said by a correction: for these arguments the WebAssembly's own function is right. */
export const AS_IT_WAS = Symbol("as it was");

/** One argument of a call, read only if it is asked for. */
export type Argument = (index: number) => RegoValue;

export interface Correction {
  /** The builtin's name in Rego. */
  readonly name: string;
  /** The function of OPA's WebAssembly that is it. */
  readonly symbol: string;
  readonly arity: 1 | 2 | 3;
  /** @returns undefined where OPA is undefined. @throws Error to stop the policy, where it cannot be exact */
  readonly answer: (argument: Argument) => RegoValue | undefined | typeof AS_IT_WAS;
  /** If numbers are to be read as they are written. */
  readonly isWritten?: true;
  /** Arguments that the WebAssembly's own function takes for whole numbers only if they are written so, and no larger than it counts. */
  readonly whole?: readonly number[];
}

/**
 * Builtins that OPA's WebAssembly carries in itself and that give something else there than `opa eval` does, or never end; what is listed here is answered by
 * the host, for all arguments or for those where the two differ (`redirect-functions.ts` puts it in). test/policy/wasm-builtins.test.ts compares both. Regular
 * expressions are all answered there: the WebAssembly's grammar is not Go's, its limits are lower, and it compiles each pattern anew in every evaluation.
 */
export const CORRECTIONS: readonly Correction[] = [
  { name: "net.cidr_contains", symbol: "opa_cidr_contains", arity: 2, answer: ofTexts((network, other) => networksContain(network, other)) },
  { name: "net.cidr_intersects", symbol: "opa_cidr_intersects", arity: 2, answer: ofTexts((network, other) => networksIntersect(network, other)) },
  { name: "base64.decode", symbol: "opa_base64_decode", arity: 1, answer: ofTexts((text) => decodeBase64(text, "base64")) },
  { name: "base64.is_valid", symbol: "opa_base64_is_valid", arity: 1, answer: ofTexts((text) => decodeBase64(text, "base64", false) !== undefined) },
  { name: "base64url.decode", symbol: "opa_base64_url_decode", arity: 1, answer: ofTexts((text) => decodeBase64(text, "base64url")) },
  { name: "json.unmarshal", symbol: "opa_json_unmarshal", arity: 1, answer: ofTexts((text) => unmarshalled(text)) },
  { name: "json.is_valid", symbol: "opa_json_is_valid", arity: 1, answer: (argument) => isJson(argument(0)) },
  { name: "json.marshal", symbol: "opa_json_marshal", arity: 1, answer: (argument) => writeJson(argument(0)) ?? AS_IT_WAS, isWritten: true },
  { name: "internal.template_string", symbol: "opa_template_string", arity: 1, answer: (argument) => goTemplate(argument(0)), isWritten: true },
  { name: "indexof", symbol: "opa_strings_indexof", arity: 2, answer: (argument) => (argument(1) === "" ? undefined : AS_IT_WAS) },
  { name: "replace", symbol: "opa_strings_replace", arity: 3, answer: (argument) => (argument(1) === "" ? replacedAll(new RegoObject([["", argument(2)]]), argument(0)) : AS_IT_WAS) },
  { name: "strings.replace_n", symbol: "opa_strings_replace_n", arity: 2, answer: (argument) => (hasEmptyPattern(argument(0)) ? replacedAll(argument(0), argument(1)) : AS_IT_WAS) },
  { name: "substring", symbol: "opa_strings_substring", arity: 3, answer: () => AS_IT_WAS, whole: [1, 2] },
  { name: "array.slice", symbol: "opa_array_slice", arity: 3, answer: () => AS_IT_WAS, whole: [1, 2] },
  { name: "bits.and", symbol: "opa_bits_and", arity: 2, answer: bitsOf((a, b) => a & b) },
  { name: "bits.or", symbol: "opa_bits_or", arity: 2, answer: bitsOf((a, b) => a | b) },
  { name: "bits.xor", symbol: "opa_bits_xor", arity: 2, answer: bitsOf((a, b) => a ^ b) },
  { name: "bits.negate", symbol: "opa_bits_negate", arity: 1, answer: bitsOf((a) => ~a) },
  { name: "bits.lsh", symbol: "opa_bits_shiftleft", arity: 2, answer: bitsOf(shiftLeft) },
  { name: "bits.rsh", symbol: "opa_bits_shiftright", arity: 2, answer: bitsOf(shiftRight) },
  { name: "div", symbol: "opa_arith_divide", arity: 2, answer: (argument) => (argument(1) === 0 ? undefined : AS_IT_WAS) },
  { name: "format_int", symbol: "opa_strings_format_int", arity: 2, answer: (argument) => formatInt(argument(0), argument(1)) },
  { name: "to_number", symbol: "opa_to_number", arity: 1, answer: (argument) => toNumber(argument(0)) },
  { name: "glob.match", symbol: "opa_glob_match", arity: 3, answer: (argument) => globbed(argument) },
  { name: "regex.match", symbol: "opa_regex_match", arity: 2, answer: ofTexts((pattern, text) => matchesPattern(pattern, text)) },
  { name: "regex.is_valid", symbol: "opa_regex_is_valid", arity: 1, answer: (argument) => isRegularExpression(argument(0)) },
  {
    name: "regex.find_all_string_submatch_n", symbol: "opa_regex_find_all_string_submatch", arity: 3,
    answer: (argument) => ofTexts((pattern, text) => submatches(pattern, text, argument(2)))(argument),
  },
];

function ofTexts(of: (first: string, second: string) => ReturnType<Correction["answer"]>): Correction["answer"] {
  return (argument) => {
    const first = argument(0);
    if (typeof first !== "string") return undefined;
    return of.length < 2 ? of(first, "") : textOr(argument(1), (second) => of(first, second));
  };
}

function textOr<T>(value: RegoValue, of: (text: string) => T): T | undefined {
  return typeof value === "string" ? of(value) : undefined;
}

/** What is JSON, the WebAssembly reads as well, and it keeps numbers as they are written; what is none, it reads too. */
function unmarshalled(text: string): ReturnType<Correction["answer"]> {
  let [isHeld, isNumber] = [true, true];
  const value = parseJson(text, (source) => {
    isHeld = false;
    isNumber &&= !isOutOfRange(source);
    return 0;
  });
  if (value === undefined || !isNumber) return undefined;
  return isHeld ? value : AS_IT_WAS;
}

function isJson(value: RegoValue): boolean {
  try {
    return typeof value === "string" && (JSON.parse(value), true);
  } catch {
    return false;
  }
}

/** OPA's WebAssembly never ends over an empty one. */
function hasEmptyPattern(patterns: RegoValue): boolean {
  return patterns instanceof RegoObject && patterns.get("") !== undefined;
}

/** Whole numbers as they are; the rest without what is after the point. */
function formatInt(value: RegoValue, base: RegoValue): string | undefined {
  if (typeof base !== "number" || ![2, 8, 10, 16].includes(base)) return undefined;
  if (typeof value !== "number" && typeof value !== "bigint") return undefined;
  return exact(typeof value === "number" ? Math.trunc(value) : value)?.toString(base);
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const GO_NUMBER = /^[+-]?(?:0x[0-9a-f_.]+(?:p[+-]?\d+)?|[\d_]*\.?[\d_]*(?:e[+-]?\d+)?)$/i;

/** What Go takes for a number and JSON does not becomes a value in OPA that cannot be written down. */
function toNumber(value: RegoValue): RegoValue | undefined | typeof AS_IT_WAS {
  if (typeof value !== "string") return AS_IT_WAS;
  if (JSON_NUMBER.test(value)) return isOutOfRange(value) ? undefined : AS_IT_WAS;
  if (/\d/.test(value) && GO_NUMBER.test(value)) throw new Error("to_number: only numbers as JSON has them are supplied");
  return undefined;
}

/** What the WebAssembly makes of a glob is a pattern in which these are not escaped, nor anything in a class, that ends before a zero, and whose stars end at a line's end. */
const UNESCAPED = /[$()\0]|\[[^\]]*\\/;

function globbed(argument: Argument): ReturnType<Correction["answer"]> {
  const [pattern, delimiters] = [argument(0), argument(1)];
  if (typeof pattern !== "string" || !isGlob(pattern)) return undefined;
  const isOdd = UNESCAPED.test(pattern) || (Array.isArray(delimiters) && delimiters.some((one) => typeof one === "string" && UNESCAPED.test(one)));
  const text = argument(2);
  return isOdd || (typeof text === "string" && text.includes("\n")) ? matchesGlob(pattern, delimiters, text) : AS_IT_WAS;
}

/** True if each alternative is closed and nothing is left to be escaped; what stands in a class of characters is neither. */
function isGlob(value: string): boolean {
  let [depth, isInClass] = [0, false];
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at];
    if (character === "\\" && ++at >= value.length) return false;
    if (isInClass) isInClass = character !== "]";
    else if (character === "[") isInClass = true;
    else if (character === "{") depth += 1;
    else if (character === "}" && depth > 0) depth -= 1;
  }
  return depth === 0;
}

function isRegularExpression(value: RegoValue): boolean {
  return typeof value === "string" && isPattern(value);
}
