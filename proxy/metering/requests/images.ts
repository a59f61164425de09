/**
 * The most tokens that a provider counts for one image, whatever its size: they scale larger ones down. From their documents: OpenAI, "Images and
 * vision: calculating costs" (tiles of 512 px; patches of 32 px, at most 1,536, at most 10,000 in the original size); Anthropic, "Vision" (4,784
 * in high resolution); Google, "Media resolution" and "Understand and count tokens" (tiles of 258).
 */
const CEILINGS = new Map([["anthropic", 5_000], ["google", 6_000], ["mistral", 6_000], ["aws", 6_000]]);
const UNKNOWN_PROVIDER = 16_000;
/** 2,833 and 5,667 for each of at most eight tiles. */
const GPT_4O_MINI = 48_169;
/** 1,536 patches at the highest factor, 2.46; or eight tiles of 170. */
const OPENAI_SCALED = 4_000;
const OPENAI_ORIGINAL = 12_000;

/** @param detail as OpenAI's API has it; null where nothing is said */
export function imageCeiling(provider: string, model: string, detail: unknown): number {
  if (/4o-mini/i.test(model)) return GPT_4O_MINI;
  if (provider === "openai" || provider === "azure") return detail === "low" || detail === "high" ? OPENAI_SCALED : OPENAI_ORIGINAL;
  return CEILINGS.get(provider) ?? UNKNOWN_PROVIDER;
}

const DATA_URL = /^data:image\/[a-z0-9.+-]{1,40}(?:;[a-z0-9=.+-]{1,80}){0,4},/i;

/** The data in a `data:` URL of an image; empty for a URL that leads elsewhere, null for what is neither. */
export function imageData(url: unknown): string | null {
  if (typeof url !== "string") return null;
  if (/^https?:/i.test(url)) return "";
  const head = DATA_URL.exec(url.slice(0, 400));
  return head === null ? null : url.slice(head[0].length);
}
