/**
 * `JSON.parse` for text that others wrote. The runtime's own may take a key that is written with an escape for another key, one that begins with a backslash
 * and that it met before in an object of the same members (nodejs/node issue 63785): who sends both could hide any member from us. A text with such keys is
 * read here.
 * @param numberOf what becomes of a number, as it is written
 * @throws SyntaxError if it is no JSON, or has such a key and is nested deeper than 1,000 levels
 */
export function parseJsonText(text: string, numberOf?: (source: string) => unknown): unknown {
  const value: unknown = numberOf === undefined ? JSON.parse(text) : JSON.parse(text, withNumbers(numberOf));
  return hasEscapedKey(text) ? new TextReader(text, numberOf ?? Number).read() : value;
}

/** The language's standard (ES2026) has the third argument, its type declarations have not yet. */
function withNumbers(numberOf: (source: string) => unknown): Parameters<typeof JSON.parse>[1] {
  const revive = (_name: string, value: unknown, context?: { readonly source?: string }) =>
    (typeof value === "number" && context?.source !== undefined ? numberOf(context.source) : value);
  return revive;
}

const DEPTH_LIMIT = 1_000;
const SPACE = /[ \t\n\r]*/y;
const SCALAR = /[^ \t\n\r,\]}]*/y;

function hasEscapedKey(text: string): boolean {
  let backslash = text.indexOf("\\");
  for (let start = text.indexOf('"'); start !== -1 && backslash !== -1;) {
    const end = stringEnd(text, start);
    if (backslash < start) backslash = text.indexOf("\\", start);
    if (backslash !== -1 && backslash < end && text[afterSpace(text, end + 1)] === ":") return true;
    start = text.indexOf('"', end + 1);
  }
  return false;
}

/** @param start of its opening quote @returns the place of its closing one */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

function afterSpace(text: string, at: number): number {
  SPACE.lastIndex = at;
  return at + (SPACE.exec(text)?.[0].length ?? 0);
}

/** Reads a text that is known to be JSON. */
class TextReader {
  readonly #text: string;
  readonly #numberOf: (source: string) => unknown;
  #at = 0;
  #depth = 0;

  constructor(text: string, numberOf: (source: string) => unknown) {
    this.#text = text;
    this.#numberOf = numberOf;
  }

  read(): unknown {
    this.#skip(0);
    const character = this.#text[this.#at];
    if (character === '"') return this.#string();
    if (character === "{" || character === "[") return this.#nested(character === "{" ? () => this.#object() : () => this.#list());
    return this.#scalar();
  }

  #object(): unknown {
    const object: Record<string, unknown> = {};
    this.#skip(1);
    while (this.#text[this.#at] !== "}") {
      if (this.#text[this.#at] === ",") this.#skip(1);
      const key = this.#string();
      this.#skip(0);
      this.#skip(1);
      const value = this.read();
      // As the parser does, which knows no prototype.
      Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      this.#skip(0);
    }
    this.#at += 1;
    return object;
  }

  #list(): unknown {
    const list: unknown[] = [];
    this.#skip(1);
    while (this.#text[this.#at] !== "]") {
      if (this.#text[this.#at] === ",") this.#skip(1);
      list.push(this.read());
      this.#skip(0);
    }
    this.#at += 1;
    return list;
  }

  #string(): string {
    const end = stringEnd(this.#text, this.#at);
    const literal = this.#text.slice(this.#at, end + 1);
    this.#at = end + 1;
    return literal.includes("\\") ? String(JSON.parse(literal)) : literal.slice(1, -1);
  }

  #scalar(): unknown {
    SCALAR.lastIndex = this.#at;
    const source = SCALAR.exec(this.#text)?.[0] ?? "";
    this.#at += source.length;
    if (source === "true" || source === "false") return source === "true";
    return source === "null" ? null : this.#numberOf(source);
  }

  #nested(read: () => unknown): unknown {
    this.#depth += 1;
    if (this.#depth > DEPTH_LIMIT) throw new SyntaxError("values too deep within each other");
    const value = read();
    this.#depth -= 1;
    return value;
  }

  /** Characters, and the white space behind them. */
  #skip(characters: number): void {
    this.#at = afterSpace(this.#text, this.#at + characters);
  }
}
