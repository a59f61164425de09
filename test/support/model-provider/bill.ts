import { calcPrice } from "@pydantic/genai-prices";

/** What a model read and wrote. `input` with both caches in it, `output` with reasoning in it. */
export interface Generated {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
}

export const NOTHING: Generated = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 };

/**
 * What the provider bills for a call, in nano-dollars, rounded up to a whole one.
 * @param provider as the price library calls it
 * @throws Error for a model without a price: a test must not count it as free
 */
export function billOf(provider: string, model: string, { input, cacheRead, cacheWrite, output }: Generated): bigint {
  const price = calcPrice({ input_tokens: input, cache_read_tokens: cacheRead, cache_write_tokens: cacheWrite, output_tokens: output }, model, { providerId: provider });
  if (price === null) throw new Error(`the price library has no price for ${provider} ${model}`);
  return BigInt(Math.ceil(price.total_price * 1e9));
}
