import { LRUCache } from "lru-cache";
import { RE2JS } from "re2js";
import type { RegoValue } from "../rego-value.ts";
import type { Builtin } from "../host-calls.ts";
import { ofTexts, whole } from "./operands.ts";

/**
 * By RE2, whose time grows with the length of the text alone, and whose grammar is that of Go. A pattern of a policy never becomes a regular expression
 * of JavaScript.
 */
const PATTERN_LIMIT = 10_000;
/** Patterns that are kept compiled, by their instructions: what one thread keeps is some tens of megabytes at most. */
const compiled = new LRUCache<string, RE2JS>({ maxSize: 200_000, maxEntrySize: 50_000, sizeCalculation: (expression) => expression.programSize() + 1 });

export const REGEX_BUILTINS: Readonly<Record<string, Builtin>> = {
  "regex.replace": ofTexts((text, pattern, by) => replaced(text, pattern, by)),
  "regex.split": ofTexts((pattern, text) => split(pattern, text)),
  "regex.find_n": (pattern, text, count) => {
    const most = whole(count);
    if (typeof pattern !== "string" || typeof text !== "string" || most === null) return undefined;
    return found(pattern, text, most < 0n ? Number.POSITIVE_INFINITY : Number(most))?.map(({ groups }) => groups[0] ?? "");
  },
  "regex.template_match": ofTexts((template, text, open, close) => templateMatch(template, text, open, close)),
};

/** @returns null if it is no pattern, as OPA sees it */
function compile(pattern: string): RE2JS | null {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > PATTERN_LIMIT) throw new Error(`a pattern of more than ${PATTERN_LIMIT} characters`);
  try {
    const made = RE2JS.compile(pattern);
    compiled.set(pattern, made);
    return made;
  } catch {
    return null;
  }
}

/** `regex.is_valid` */
export function isPattern(pattern: string): boolean {
  return compile(pattern) !== null;
}

/** `regex.match` */
export function matchesPattern(pattern: string, text: string): boolean | undefined {
  return compile(pattern)?.matcher(text).find();
}

/** `regex.find_all_string_submatch_n` */
export function submatches(pattern: string, text: string, count: RegoValue): RegoValue | undefined {
  const most = whole(count);
  if (most === null) return undefined;
  return found(pattern, text, most < 0n ? Number.POSITIVE_INFINITY : Number(most))?.map(({ groups }) => groups.map((group) => group ?? ""));
}

interface Match {
  readonly start: number;
  readonly end: number;
  /** The whole match first; undefined for a group that took no part. */
  readonly groups: readonly (string | undefined)[];
}

/** As Go finds all: an empty match right behind another is none. */
function found(pattern: string, text: string, most: number): readonly Match[] | undefined {
  const expression = compile(pattern);
  if (expression === null) return undefined;
  const matcher = expression.matcher(text);
  const matches: Match[] = [];
  let lastEnd = -1;
  while (matches.length < most && matcher.find()) {
    const [start, end] = [matcher.start(), matcher.end()];
    const isAbutting = start === end && start === lastEnd;
    lastEnd = end;
    if (isAbutting) continue;
    matches.push({ start, end, groups: Array.from({ length: matcher.groupCount() + 1 }, (_, group) => matcher.group(group) ?? undefined) });
  }
  return matches;
}

function split(pattern: string, text: string): readonly string[] | undefined {
  const matches = found(pattern, text, Number.POSITIVE_INFINITY);
  if (matches === undefined) return undefined;
  if (pattern !== "" && text === "") return [""];
  const parts: string[] = [];
  let [from, end] = [0, 0];
  for (const match of matches) {
    end = match.start;
    if (match.end !== 0) parts.push(text.slice(from, end));
    from = match.end;
  }
  if (end !== text.length) parts.push(text.slice(from));
  return parts;
}

function replaced(text: string, pattern: string, by: string): string | undefined {
  const matches = found(pattern, text, Number.POSITIVE_INFINITY);
  if (matches === undefined) return undefined;
  const names = compile(pattern)?.namedGroups();
  const parts: string[] = [];
  let from = 0;
  for (const match of matches) {
    parts.push(text.slice(from, match.start), expanded(by, match, names ?? {}));
    from = match.end;
  }
  return parts.join("") + text.slice(from);
}

/** `$1`, `$name` (the longest that can be one), `${name}` and `$$`; a group that is not there is empty (Go's `Regexp.Expand`). */
function expanded(template: string, match: Match, names: Readonly<Record<string, number>>): string {
  return template.replace(/\$(?:\$|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (whole_, braced?: string, bare?: string) => {
    const name = braced ?? bare;
    if (name === undefined) return "$";
    const index = /^\d{1,8}$/.test(name) && !(name.length > 1 && name.startsWith("0")) ? Number(name) : names[name];
    return index === undefined ? "" : match.groups[index] ?? "";
  });
}

/** Text outside of the delimiters is taken as it is, text inside is a pattern. */
function templateMatch(template: string, text: string, open: string, close: string): RegoValue | undefined {
  if (Buffer.byteLength(open) !== 1 || Buffer.byteLength(close) !== 1) return undefined;
  let [pattern, depth, from] = ["^", 0, 0];
  for (let at = 0; at < template.length; at += 1) {
    if (template[at] === open && ++depth === 1) {
      pattern += RE2JS.quote(template.slice(from, at));
      from = at + 1;
    } else if (template[at] === close && --depth === 0) {
      const inside = template.slice(from, at);
      if (compile(`^${inside}$`) === null) return undefined;
      pattern += `(${inside})`;
      from = at + 1;
    }
    if (depth < 0) return undefined;
  }
  const expression = depth === 0 ? compile(`${pattern}${RE2JS.quote(template.slice(from))}$`) : null;
  return expression === null ? undefined : expression.matcher(text).find();
}
