import type { Amounts } from "../../common/meters.ts";

/** Beyond any model. */
const OUTPUT_LIMIT = 1_000_000_000;

/**
 * The most tokens of output that what is left allows.
 * @param tokens what is left, of the meters that count tokens
 * @param money what is left, in nano-dollars; null if it does not bind
 * @param input tokens that the request may come to
 * @param priceOf the call with so much output; never falls as output grows
 * @returns null if not even the input fits
 */
export function mostOutput(tokens: Amounts, money: bigint | null, input: number, priceOf: (output: number) => bigint): number | null {
  for (const meter of ["input-tokens", "cached-input-tokens"] as const) if ((tokens[meter] ?? BigInt(input)) < BigInt(input)) return null;
  const limits = [tokens["output-tokens"], tokens["reasoning-tokens"], tokens.tokens === undefined ? undefined : tokens.tokens - BigInt(input)];
  const most = Math.min(OUTPUT_LIMIT, ...limits.map((limit) => (limit === undefined ? OUTPUT_LIMIT : Number(limit))));
  if (most < 0 || (money !== null && priceOf(0) > money)) return null;
  return money === null ? most : largest(most, (output) => priceOf(output) <= money);
}

/** The largest number up to `most` that holds; 0 does, and what holds for a number holds for all below it. */
function largest(most: number, holds: (count: number) => boolean): number {
  if (holds(most)) return most;
  let [good, bad] = [0, most];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
