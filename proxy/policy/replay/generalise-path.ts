import { parsePathPattern } from "../patterns.ts";

/** Numbers; UUIDs (RFC 9562); hashes and other long identifiers that hold a digit: what differs from one thing of a kind to the next. */
const IDENTIFIERS = [/^\d+$/, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, /^[0-9a-f]{16,}$/i, /^(?=.*\d)[A-Za-z0-9_-]{20,}$/];

/**
 * The path as an entry of `data.yaml` writes it, with `*` for segments that name one thing of many. Words stay as they are: nothing else is guessed.
 * @returns null where it cannot be written there
 */
export function generalisePath(segments: readonly string[]): string | null {
  const text = `/${segments.map((segment) => segment.split("/").map((part) => (isIdentifier(part) || /[*%?#]/.test(part) ? "*" : part)).join("%2F")).join("/")}`;
  try {
    parsePathPattern(text);
    return text;
  } catch {
    return null;
  }
}

function isIdentifier(segment: string): boolean {
  return IDENTIFIERS.some((pattern) => pattern.test(segment));
}
