import type { Secret } from "../../common/secret.ts";
import { SourceError } from "./secret-source.ts";

/** A shorter one would be found by chance in ordinary answers, which are searched for it, and could be guessed. In characters. */
const SHORTEST_SECRET = 8;
/** A longer one fits into no header; keys and certificates are a few thousand characters. */
const LONGEST_SECRET = 16_384;
/** How often its beginning, or its end, may repeat itself. Each repetition is a place where the secret may have begun, and all are followed at once. */
const MOST_REPETITIONS = 16;
/** Writings such as base64 leave out that many characters of the beginning. */
const LEFT_OUT = 3;

/**
 * Answers are searched for what was lent, at a cost that whoever chose the secret must not choose too.
 * @throws SourceError `malformed | oversized` if a secret of an injection cannot be lent for that reason
 */
export function requireSearchable({ secrets }: { readonly secrets: readonly Secret[] }): void {
  for (const secret of secrets) {
    const text = secret.reveal();
    if (text.length < SHORTEST_SECRET) throw new SourceError("malformed", `the secret has less than ${SHORTEST_SECRET} characters`);
    if (text.length > LONGEST_SECRET) throw new SourceError("oversized", `the secret has more than ${LONGEST_SECRET} characters`);
    if (repeats(text) || repeats(Array.from(text).toReversed().join(""))) throw new SourceError("malformed", "the secret repeats itself: it is no secret");
  }
}

function repeats(text: string): boolean {
  for (let from = 0; from <= LEFT_OUT; from += 1) if (repetitionsOf(text.slice(from)) > MOST_REPETITIONS) return true;
  return false;
}

/** The most often that any beginning of a text consists of one and the same part, by the text's borders (Knuth, Morris and Pratt); linear. */
function repetitionsOf(text: string): number {
  const borders = new Uint16Array(text.length);
  let most = 1;
  for (let at = 1, border = 0; at < text.length; at += 1) {
    while (border > 0 && text[at] !== text[border]) border = borders[border - 1] ?? 0;
    if (text[at] === text[border]) border += 1;
    borders[at] = border;
    most = Math.max(most, (at + 1) / (at + 1 - border));
  }
  return most;
}
