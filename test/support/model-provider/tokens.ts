import { countTokens } from "gpt-tokenizer/encoding/o200k_base";

/** Words that are one token each with a space before them, in the encodings of OpenAI. */
const WORDS = [" one", " two", " three", " four", " five", " six", " seven", " eight", " nine", " ten"];

/** Text of exactly so many tokens. @param from where in the endless text of this model it begins, in tokens */
export function wordsOf(count: number, from = 0): string {
  let text = "";
  for (let index = from; index < from + count; index += 1) text += WORDS[index % WORDS.length] ?? "";
  return text;
}

/** What a message costs beside its text: role and separators. */
const MESSAGE_TOKENS = 4;
/** What a picture costs: the most that OpenAI charges for one of high detail (https://developers.openai.com/api/docs/guides/images-vision). */
const IMAGE_TOKENS = 1_105;
const IMAGE_TYPES = new Set(["image_url", "image", "input_image"]);

/** What the model reads of a request: every text in it, at any depth, and what surrounds messages. */
export function inputTokensOf(...parts: readonly unknown[]): number {
  return parts.reduce<number>((sum, part) => sum + tokensIn(part), 3);
}

function tokensIn(value: unknown): number {
  if (typeof value === "string") return countTokens(value, { allowedSpecial: "all" });
  if (Array.isArray(value)) return value.reduce<number>((sum, each) => sum + tokensIn(each), 0);
  if (typeof value !== "object" || value === null) return 0;
  const entries = Object.entries(value);
  if (entries.some(([name, inner]) => (name === "type" && IMAGE_TYPES.has(String(inner))) || (name === "image" && typeof inner === "object"))) return IMAGE_TOKENS;
  const own = "role" in value ? MESSAGE_TOKENS : 0;
  return entries.reduce((sum, [name, inner]) => sum + (name === "role" || name === "type" ? 0 : tokensIn(inner)), own);
}
