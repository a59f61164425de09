import { AMOUNT_LIMIT, type Amounts } from "../../../common/meters.ts";
import type { TokenCounts } from "../../model/metered-call.ts";

export const NO_TOKENS: TokenCounts = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 };

/** What a count comes to: tokens, and money where the model has a price. */
export interface Counted {
  readonly tokens: TokenCounts;
  readonly nanoUsd: bigint | null;
}

/** Of the model meters. Money only where it counts and has a price. */
export function amountsOf({ tokens, nanoUsd: usd }: Counted, isFree: boolean): Amounts {
  const counts = {
    tokens: BigInt(tokens.input + tokens.output), "input-tokens": BigInt(tokens.input), "cached-input-tokens": BigInt(tokens.cacheRead),
    "output-tokens": BigInt(tokens.output), "reasoning-tokens": BigInt(tokens.reasoning),
  };
  return isFree || usd === null ? counts : { ...counts, usd: usd > AMOUNT_LIMIT ? AMOUNT_LIMIT : usd };
}

/** Field by field. */
export function larger(one: Counted | null, other: Counted | null): Counted {
  if (one === null || other === null) return one ?? other ?? { tokens: NO_TOKENS, nanoUsd: null };
  const most = (name: keyof TokenCounts) => Math.max(one.tokens[name], other.tokens[name]);
  const tokens = { input: most("input"), cacheRead: most("cacheRead"), cacheWrite: most("cacheWrite"), output: most("output"), reasoning: most("reasoning") };
  const [usd, otherUsd] = [one.nanoUsd ?? 0n, other.nanoUsd ?? 0n];
  return { tokens, nanoUsd: one.nanoUsd === null && other.nanoUsd === null ? null : usd > otherUsd ? usd : otherUsd };
}
