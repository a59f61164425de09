import { RegoObject, type RegoValue } from "../rego-value.ts";

/** Longest text that is made, in bytes. */
const LENGTH_LIMIT_BYTES = 4 << 20;

/** `strings.replace_n`; null for what is no pattern at all. */
export function replacedAll(patterns: RegoValue, text: RegoValue): string | undefined {
  if (!(patterns instanceof RegoObject) || typeof text !== "string") return undefined;
  const pairs = patterns.entries;
  if (!pairs.every((pair): pair is readonly [string, string] => typeof pair[0] === "string" && typeof pair[1] === "string")) return undefined;
  return replaced(text, pairs);
}

/**
 * As Go's `strings.NewReplacer` does it: at each byte the first pattern that is there, and after an empty one that was found no empty one at the same place.
 * @throws Error if it becomes too long, or no text because something stands between the bytes of one character
 */
export function replaced(text: string, pairs: readonly (readonly [pattern: string, by: string])[]): string {
  const source = Buffer.from(text);
  const patterns = pairs.map(([pattern, by]) => ({ pattern: Buffer.from(pattern), by: Buffer.from(by) }));
  const parts: Buffer[] = [];
  let [from, length, wasEmpty] = [0, 0, false];
  for (let at = 0; at <= source.length;) {
    const found = patterns.find(({ pattern }) => !(wasEmpty && pattern.length === 0) && isAt(source, pattern, at));
    wasEmpty = found?.pattern.length === 0;
    if (found === undefined) {
      at += 1;
      continue;
    }
    parts.push(source.subarray(from, at), found.by);
    length += at - from + found.by.length;
    if (length > LENGTH_LIMIT_BYTES) throw new Error("the text becomes too long");
    at += found.pattern.length;
    from = at;
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat([...parts, source.subarray(from)]));
}

function isAt(source: Buffer, pattern: Buffer, at: number): boolean {
  return at + pattern.length <= source.length && source.compare(pattern, 0, pattern.length, at, at + pattern.length) === 0;
}
