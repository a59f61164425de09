type CountTokens = (text: string) => number;

/**
 * The tokenizer's search is quadratic in the length of a run without a break; pieces of this many characters keep it linear. Each cut adds at most one token.
 */
const PIECE_CHARACTERS = 512;

let loaded: CountTokens | null = null;
let loading: Promise<void> | null = null;

/**
 * Begins to load the tokenizer, once: 70 MB and a fifth of a second that only a proxy whose streams are cut has to pay.
 * @returns resolves when it is there; never rejects
 */
export async function loadTokenizer(): Promise<void> {
  loading ??= import("gpt-tokenizer/encoding/o200k_base").then(
    // Text that looks like a control token is text.
    (tokenizer) => { loaded = (text) => tokenizer.countTokens(text, { disallowedSpecial: new Set<string>() }); },
    () => undefined,
  );
  await loading;
}

/** Tokens of a text by `o200k_base`; null as long as the tokenizer is not loaded. */
export function countTokens(text: string): number | null {
  if (loaded === null) return null;
  let tokens = 0;
  for (let at = 0; at < text.length; at += PIECE_CHARACTERS) tokens += loaded(text.slice(at, at + PIECE_CHARACTERS));
  return tokens;
}
