/**
 * The text that OPA hashes in place of a JSON file (v1/bundle/hash.go): no white space, keys in the order of their bytes, strings as Go's encoder writes them
 * without its HTML escapes, numbers as they stand in the file. Two texts that parse to the same value give the same text, and no others do: what is hashed is
 * what is used. Takes some hundred bytes for each value: how many there are has to be limited before (`unpackFiles`).
 * @throws SyntaxError if it is not JSON; RangeError if it is nested too deeply
 */
export function canonicalJson(text: string): string {
  return write(JSON.parse(text, keepNumberText) as unknown);
}

/** A number with its digits: 1 and 1.0 are told apart, and more digits than a number of ours holds are kept. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** `context.source` is the text of a primitive (ECMAScript's JSON.parse source text access). */
function keepNumberText(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" && context?.source !== undefined ? new NumberText(context.source) : value;
}

function write(value: unknown): string {
  if (value instanceof NumberText) return value.text;
  if (typeof value === "string") return writeString(value);
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const keys = Object.keys(value).sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  return `{${keys.map((key) => `${writeString(key)}:${write((value as Record<string, unknown>)[key])}`).join(",")}}`;
}

/** Go escapes the two line separators that JavaScript once could not read in a string. */
function writeString(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
