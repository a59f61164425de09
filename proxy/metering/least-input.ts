import type { Reading } from "./requests/reading.ts";

/** No tokenizer averages more than this over a text. */
const MOST_BYTES_PER_TOKEN = 16;
/** Names, parameters and identities of a request, which are no prompt. */
const FRAME_BYTES = 2_048;
/** A run of letters and digits as long as this is no text: an image, a signature, thoughts that only the provider reads. */
const LONGEST_WORD_BYTES = 256;
/** Some tokenizers make one token of a run of one character. */
const LONGEST_RUN_BYTES = 3;
/** Of a long body, pieces are looked at, evenly over all of it. */
const [PIECES, PIECE_BYTES] = [64, 4_096];
/** Parameters by which a provider leaves parts of the prompt out. */
const SHORTENING = ["\"context_management\"", "\"truncation\""];
const [BACKSLASH, LOWER_U] = [0x5c, 0x75];
/** Of `\u0416`, and of the letter itself. */
const [ESCAPE_BYTES, LETTER_BYTES] = [6, 2];
const WORD_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => (/[A-Za-z0-9+/=_\\-]/.test(String.fromCharCode(byte)) ? 1 : 0));

/**
 * What a request's input comes to at least: where a provider reports less, its report is not believed.
 * @param text the body, not encoded
 * @returns tokens; 0 where that does not follow from the body: files in it, a prompt that the provider shortens, parameters that nobody can bound
 */
export function leastInput(text: Buffer, { isOpenEnded, problem }: Pick<Reading, "isOpenEnded" | "problem">): number {
  if (isOpenEnded || problem !== null || SHORTENING.some((name) => text.includes(name))) return 0;
  return Math.max(1, Math.floor((wordsOf(text) - FRAME_BYTES) / MOST_BYTES_PER_TOKEN));
}

function wordsOf(text: Buffer): number {
  if (text.length <= PIECES * PIECE_BYTES) return wordsIn(text);
  const starts = Array.from({ length: PIECES }, (_, piece) => Math.floor(piece * (text.length - PIECE_BYTES) / (PIECES - 1)));
  const words = starts.reduce((sum, start) => sum + wordsIn(text.subarray(start, start + PIECE_BYTES)), 0);
  return words * text.length / (PIECES * PIECE_BYTES);
}

/** Bytes of what can be words. */
function wordsIn(text: Buffer): number {
  let [bytes, word, run] = [0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at] ?? 0;
    run = byte === text[at - 1] ? run + 1 : 1;
    const isEscape = byte === BACKSLASH && text[at + 1] === LOWER_U;
    const length = isEscape ? LETTER_BYTES : run > LONGEST_RUN_BYTES ? 0 : 1;
    if (isEscape) at += ESCAPE_BYTES - 1;
    if (WORD_BYTES[byte] === 1) word += length;
    else {
      bytes += length + (word < LONGEST_WORD_BYTES ? word : 0);
      word = 0;
    }
  }
  return bytes + (word < LONGEST_WORD_BYTES ? word : 0);
}
