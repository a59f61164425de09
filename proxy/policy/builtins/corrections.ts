import { RegoObject, type RegoValue } from "../rego-value.ts";
import { decodeBase64 } from "./encodings.ts";
import { parseJson, writeJson } from "./json-text.ts";
import { networksContain, networksIntersect } from "./networks.ts";
import { isPattern, matchesPattern, submatches } from "./regular-expressions.ts";

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
}

/**
 * Builtins that OPA's WebAssembly carries in itself and that give something else there than `opa eval` does, or never end; what is listed here is answered by
 * the host, for all arguments or for those where the two differ (`redirect-functions.ts` puts it in). test/policy/wasm-builtins.test.ts compares both.
 */
export const CORRECTIONS: readonly Correction[] = [
  { name: "net.cidr_contains", symbol: "opa_cidr_contains", arity: 2, answer: ofTexts((network, other) => networksContain(network, other)) },
  { name: "net.cidr_intersects", symbol: "opa_cidr_intersects", arity: 2, answer: ofTexts((network, other) => networksIntersect(network, other)) },
  { name: "base64.decode", symbol: "opa_base64_decode", arity: 1, answer: ofTexts((text) => decodeBase64(text, "base64")) },
  { name: "base64.is_valid", symbol: "opa_base64_is_valid", arity: 1, answer: ofTexts((text) => decodeBase64(text, "base64", false) !== undefined) },
  { name: "base64url.decode", symbol: "opa_base64_url_decode", arity: 1, answer: ofTexts((text) => decodeBase64(text, "base64url")) },
  { name: "json.unmarshal", symbol: "opa_json_unmarshal", arity: 1, answer: ofTexts((text) => parseJson(text)) },
  { name: "json.is_valid", symbol: "opa_json_is_valid", arity: 1, answer: (argument) => isJson(argument(0)) },
  { name: "json.marshal", symbol: "opa_json_marshal", arity: 1, answer: (argument) => writeJson(argument(0)) ?? AS_IT_WAS },
  { name: "indexof", symbol: "opa_strings_indexof", arity: 2, answer: (argument) => (argument(1) === "" ? undefined : AS_IT_WAS) },
  { name: "replace", symbol: "opa_strings_replace", arity: 3, answer: (argument) => (argument(1) === "" ? between(argument(0), argument(2)) : AS_IT_WAS) },
  { name: "strings.replace_n", symbol: "opa_strings_replace_n", arity: 2, answer: (argument) => refuseEmptyPattern(argument(0)) },
  { name: "format_int", symbol: "opa_strings_format_int", arity: 2, answer: (argument) => formatInt(argument(0), argument(1)) },
  { name: "to_number", symbol: "opa_to_number", arity: 1, answer: (argument) => toNumber(argument(0)) },
  { name: "glob.match", symbol: "opa_glob_match", arity: 3, answer: (argument) => (isGlob(argument(0)) ? AS_IT_WAS : undefined) },
  { name: "regex.match", symbol: "opa_regex_match", arity: 2, answer: (argument) => odd(argument(0), (pattern) => textOr(argument(1), (text) => matchesPattern(pattern, text))) },
  { name: "regex.is_valid", symbol: "opa_regex_is_valid", arity: 1, answer: (argument) => odd(argument(0), (pattern) => isPattern(pattern)) },
  {
    name: "regex.find_all_string_submatch_n", symbol: "opa_regex_find_all_string_submatch", arity: 3,
    answer: (argument) => odd(argument(0), (pattern) => textOr(argument(1), (text) => submatches(pattern, text, argument(2)))),
  },
];

function ofTexts(of: (first: string, second: string) => RegoValue | undefined): Correction["answer"] {
  return (argument) => {
    const first = argument(0);
    if (typeof first !== "string") return undefined;
    return of.length < 2 ? of(first, "") : textOr(argument(1), (second) => of(first, second));
  };
}

function textOr(value: RegoValue, of: (text: string) => RegoValue | undefined): RegoValue | undefined {
  return typeof value === "string" ? of(value) : undefined;
}

function isJson(value: RegoValue): boolean {
  try {
    return typeof value === "string" && (JSON.parse(value), true);
  } catch {
    return false;
  }
}

/** Before, after and between all characters. OPA takes bytes for them, and so makes of others than ASCII what is no text. */
function between(text: RegoValue, by: RegoValue): RegoValue | undefined {
  if (typeof text !== "string" || typeof by !== "string") return undefined;
  if (/[^\0-\x7f]/.test(text)) throw new Error("replace: nothing in text beyond ASCII is not supplied");
  return by + Array.from(text, (character) => character + by).join("");
}

/** OPA's WebAssembly never ends over an empty one. */
function refuseEmptyPattern(patterns: RegoValue): typeof AS_IT_WAS {
  if (patterns instanceof RegoObject && patterns.entries.some(([pattern]) => pattern === "")) throw new Error("strings.replace_n: an empty pattern is not supplied");
  return AS_IT_WAS;
}

/** Whole numbers as they are; the rest without what is after the point. */
function formatInt(value: RegoValue, base: RegoValue): string | undefined {
  if (typeof base !== "number" || ![2, 8, 10, 16].includes(base)) return undefined;
  if (typeof value !== "number" && typeof value !== "bigint") return undefined;
  return BigInt(typeof value === "number" ? Math.trunc(value) : value).toString(base);
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const GO_NUMBER = /^[+-]?(?:0x[0-9a-f_.]+(?:p[+-]?\d+)?|[\d_]*\.?[\d_]*(?:e[+-]?\d+)?)$/i;

/** What Go takes for a number and JSON does not becomes a value in OPA that cannot be written down. */
function toNumber(value: RegoValue): RegoValue | undefined | typeof AS_IT_WAS {
  if (typeof value !== "string") return AS_IT_WAS;
  if (JSON_NUMBER.test(value)) return Number.isFinite(Number(value)) ? AS_IT_WAS : undefined;
  if (/\d/.test(value) && GO_NUMBER.test(value)) throw new Error("to_number: only numbers as JSON has them are supplied");
  return undefined;
}

/** True if each alternative is closed and nothing is left to be escaped; what stands in a class of characters is neither. */
function isGlob(value: RegoValue): boolean {
  if (typeof value !== "string") return true;
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

/** Patterns in which the WebAssembly's own grammar is not that of Go: groups named as in Perl, and single bytes. */
function odd(pattern: RegoValue, answer: (pattern: string) => RegoValue | undefined): RegoValue | undefined | typeof AS_IT_WAS {
  return typeof pattern === "string" && /\\C|\(\?</.test(pattern) ? answer(pattern) : AS_IT_WAS;
}
