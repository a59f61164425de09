/**
 * Whether all readers make the same of the texts in a JSON value: half a surrogate pair is kept by some, repaired or refused by others, and readers in C end
 * a key where it has a zero.
 * @param text the value as JSON: most of it can be told from that @returns what is wrong, in words that end a sentence; null if nothing is
 */
export function uncertainText(text: string, value: unknown): string | null {
  return MAY_BE_UNCERTAIN.test(text) ? inValue(value) : null;
}

const MAY_BE_UNCERTAIN = /\\u(?:0000|d[89a-f])/i;

function inValue(value: unknown): string | null {
  if (typeof value === "string") return value.isWellFormed() ? null : "half a surrogate pair in a text";
  if (typeof value !== "object" || value === null) return null;
  if (Array.isArray(value)) return firstOf(value);
  return Object.keys(value).map(inKey).find((problem) => problem !== null) ?? firstOf(Object.values(value));
}

function firstOf(values: readonly unknown[]): string | null {
  for (const value of values) {
    const problem = inValue(value);
    if (problem !== null) return problem;
  }
  return null;
}

function inKey(key: string): string | null {
  if (key.includes("\0")) return "a key with a zero in it";
  return key.isWellFormed() ? null : "half a surrogate pair in a key";
}
