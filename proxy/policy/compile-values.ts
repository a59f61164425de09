import { wholeMatch, type ValueRule } from "./data-readings.ts";
import { quoteExpression } from "./patterns.ts";

/** Globs as Rego compares them without parsing: whole texts, beginnings with ends, and regular expressions for what has more than one asterisk. */
export interface CompiledGlobs {
  readonly exact: readonly string[];
  readonly affixes: readonly (readonly [prefix: string, suffix: string])[];
  readonly patterns: readonly string[];
}

/** Covers every text. */
export const EVERY_TEXT: CompiledGlobs = { exact: [], affixes: [["", ""]], patterns: [] };
export const NO_TEXT: CompiledGlobs = { exact: [], affixes: [], patterns: [] };

/** One step into a JSON value: a key of an object, or the place in an array where the key is a number. */
export interface CompiledStep {
  readonly key: string;
  readonly index: number | null;
}

/** What one value must be. */
export interface CompiledValueRule {
  /** As the user wrote it, for refusals. */
  readonly name: string;
  readonly path: readonly CompiledStep[];
  readonly optional: boolean;
  /** All must hold: what is looked at, and what it is held against. */
  readonly checks: readonly (readonly [kind: CheckKind, wanted: unknown])[];
  /** What a refusal says: `must lie within /workspace`. */
  readonly says: string;
}

export type CheckKind = "one_of" | "like" | "within" | "matches" | "max_length" | "max" | "min" | "type";

/** Longest list that a refusal shows. */
const SHOWN = 10;

/** Splits globs by what comparing them costs. @param globs checked by data-readings.ts: no two asterisks in a row */
export function compileGlobs(globs: readonly string[]): CompiledGlobs {
  const parts = globs.map((glob) => glob.split("*"));
  return {
    exact: parts.filter(({ length }) => length === 1).map(([text = ""]) => text),
    affixes: parts.filter(({ length }) => length === 2).map(([prefix = "", suffix = ""]) => [prefix, suffix] as const),
    patterns: parts.filter(({ length }) => length > 2).map((pieces) => `(?s)\\A${pieces.map(quoteExpression).join(".*")}\\z`),
  };
}

/** @param path steps from the outside in, as text */
export function compileValueRule(name: string, path: readonly string[], rule: ValueRule): CompiledValueRule {
  const { one_of, like, within, matches, max_length, max, min, type } = rule;
  const said: readonly (readonly [CheckKind, wanted: unknown, says: string])[] = [
    ["one_of", one_of, `be ${(one_of ?? []).length === 1 ? "" : "one of "}${shown(one_of ?? [])}`],
    ["like", like === undefined ? undefined : compileGlobs(like), `be like ${shown(like ?? [])}`],
    ["within", within?.replace(/\/+$/, ""), `lie within ${within}`],
    ["matches", matches === undefined ? undefined : wholeMatch(matches), `match ${matches}`],
    ["max_length", max_length, `have at most ${max_length} characters`],
    ["max", max, `be a number of at most ${max}`],
    ["min", min, `be a number of at least ${min}`],
    ["type", type, `be of type ${type}`],
  ];
  const checks = said.filter(([, wanted]) => wanted !== undefined);
  return {
    name, path: path.map(compileStep), optional: rule.optional,
    checks: checks.map(([kind, wanted]) => [kind, wanted]), says: `must ${checks.map(([, , says]) => says).join(" and ")}`,
  };
}

function compileStep(key: string): CompiledStep {
  return { key, index: /^(?:0|[1-9]\d{0,8})$/.test(key) ? Number(key) : null };
}

function shown(values: readonly unknown[]): string {
  const texts = values.slice(0, SHOWN).map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return `${texts.join(", ")}${values.length > SHOWN ? " …" : ""}`;
}
