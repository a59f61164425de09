import type { MeteringConfig } from "./config.ts";
import type { Price } from "./pricing.ts";
import type { Reading } from "./requests/reading.ts";

/** Bytes of prose and code that make a token, as a rule. For estimates, never for what is held. */
const USUAL_BYTES_PER_TOKEN = 3.5;

/** The parts of `metering` that are about input. */
export type InputConfig = Pick<MeteringConfig, "inputBytesPerToken" | "unknownContextTokens">;

/** Tokens of input: at most, and probably. */
export interface InputBound {
  readonly most: number;
  readonly likely: number;
}

/**
 * How much input a request can come to. What becomes prompt is in the body, and no tokenizer makes two tokens of a byte; images count what their
 * provider counts at most; what is elsewhere is bounded by the model's context window, and so is the whole, as providers refuse more.
 * @param textBytes of the whole body, not encoded
 * @param prices of all models that may answer; null for one that is unknown
 */
export function boundInput(reading: Reading, textBytes: number, prices: readonly (Price | null)[], config: InputConfig): InputBound {
  const bytes = Math.max(0, textBytes - reading.imageBytes);
  const counted = Math.ceil(bytes / config.inputBytesPerToken) + reading.frameTokens + reading.imageTokens;
  const known = prices.map((price) => price?.contextTokens ?? null);
  const window = Math.max(reading.windowTokens, ...known.map((tokens) => tokens ?? config.unknownContextTokens));
  const isWindowKnown = known.every((tokens) => tokens !== null) && known.length > 0;
  // Texts that are embedded are many prompts in one request.
  const whole = isWindowKnown && reading.hasOutput ? Math.min(counted, window) : counted;
  const once = reading.isOpenEnded ? Math.max(window, isWindowKnown ? 0 : counted) : whole;
  const most = once * reading.rounds;
  const likely = Math.ceil(bytes / USUAL_BYTES_PER_TOKEN) + reading.imageTokens;
  return { most, likely: reading.isOpenEnded ? most : Math.min(likely, most) };
}
