import { RE2JS } from "re2js";
import type { RegoValue } from "../rego-value.ts";
import { matchesPattern } from "./regular-expressions.ts";

/**
 * `glob.match`, by way of RE2. A star stands for no delimiter, two for anything, a question mark for one character that is none; `[a-c]`, `[abc]` and `{a,b}`
 * are alternatives, `!` at their beginning and a backslash before anything mean what they do in a shell.
 * @returns undefined for what is no pattern, or no delimiter
 */
export function matchesGlob(pattern: string, delimiters: RegoValue, text: RegoValue): boolean | undefined {
  const separators = separatorsOf(delimiters);
  if (separators === null || typeof text !== "string") return undefined;
  const expression = new GlobReader(pattern, separators).expression();
  return expression === null ? undefined : matchesPattern(expression, text);
}

/** Null stands for none, an empty list for a dot. */
function separatorsOf(delimiters: RegoValue): readonly string[] | null {
  if (delimiters === null) return [];
  if (!Array.isArray(delimiters)) return null;
  const list = delimiters as readonly RegoValue[];
  if (!list.every((one): one is string => typeof one === "string" && Array.from(one).length === 1)) return null;
  return list.length === 0 ? ["."] : list;
}

class GlobReader {
  readonly #pattern: readonly string[];
  /** One character that is no delimiter. */
  readonly #single: string;
  #at = 0;
  #depth = 0;

  constructor(pattern: string, separators: readonly string[]) {
    this.#pattern = Array.from(pattern);
    this.#single = separators.length === 0 ? "(?s:.)" : `[^${separators.map(inClass).join("")}]`;
  }

  /** @returns null if it is no pattern */
  expression(): string | null {
    const parts: string[] = [];
    while (this.#at < this.#pattern.length) {
      const part = this.#part(this.#pattern[this.#at++] as string);
      if (part === null) return null;
      parts.push(part);
    }
    return this.#depth === 0 ? `^(?:${parts.join("")})$` : null;
  }

  #part(character: string): string | null {
    if (character === "\\") return this.#at < this.#pattern.length ? RE2JS.quote(this.#pattern[this.#at++] as string) : null;
    if (character === "?") return this.#single;
    if (character === "*") return this.#star();
    if (character === "[") return this.#class();
    if (character === "{") return this.#open();
    if (character === "," && this.#depth > 0) return "|";
    if (character === "}" && this.#depth > 0) return this.#close();
    return RE2JS.quote(character);
  }

  #star(): string {
    if (this.#pattern[this.#at] !== "*") return `${this.#single}*`;
    this.#at += 1;
    return "(?s:.)*";
  }

  #open(): string {
    this.#depth += 1;
    return "(?:";
  }

  #close(): string {
    this.#depth -= 1;
    return ")";
  }

  /** A range, or single characters; a delimiter may be among them. */
  #class(): string | null {
    const not = this.#pattern[this.#at] === "!" ? "^" : "";
    if (not !== "") this.#at += 1;
    const [low, dash, high, end] = this.#pattern.slice(this.#at, this.#at + 4);
    if (low !== undefined && dash === "-") {
      if (high === undefined || end !== "]" || (high.codePointAt(0) ?? 0) < (low.codePointAt(0) ?? 0)) return null;
      this.#at += 4;
      return `[${not}${inClass(low)}-${inClass(high)}]`;
    }
    let members = "";
    for (; this.#at < this.#pattern.length; this.#at += 1) {
      const character = this.#pattern[this.#at] as string;
      if (character === "]") break;
      if (character === "\\") this.#at += 1;
      members += inClass(this.#pattern[this.#at] ?? "\\");
    }
    this.#at += 1;
    return members === "" || this.#at > this.#pattern.length ? null : `[${not}${members}]`;
  }
}

function inClass(character: string): string {
  return `\\x{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
