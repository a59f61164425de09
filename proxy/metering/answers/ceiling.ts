import type { AnswerContext } from "./answer-context.ts";
import type { Counted } from "./counted.ts";

/** More than any model reads or writes for one request: where nothing else bounds a report, this does. */
export const MOST_TOKENS = 10_000_000;

/** The most that can have been used, by the bounds that were held. */
export interface Ceiling {
  readonly input: number;
  readonly output: number;
  /** Null without a price that is all of it. */
  readonly nanoUsd: bigint | null;
}

export function ceilingOf({ bounds, facts, isBounded, isPriced, price }: AnswerContext): Ceiling {
  const input = isBounded ? bounds.input : MOST_TOKENS;
  const output = isBounded && facts.maxOutputTokens !== null ? bounds.output : MOST_TOKENS;
  return { input, output, nanoUsd: price === null || !isPriced ? null : price.worst({ ...bounds, input, output }) };
}

export function isOver(ceiling: Ceiling, { tokens, nanoUsd }: Counted): boolean {
  return tokens.input > ceiling.input || tokens.output > ceiling.output || (ceiling.nanoUsd !== null && nanoUsd !== null && nanoUsd > ceiling.nanoUsd);
}

/** The same within the ceiling. */
export function below(ceiling: Ceiling, { tokens, nanoUsd }: Counted): Counted {
  const [input, output] = [Math.min(tokens.input, ceiling.input), Math.min(tokens.output, ceiling.output)];
  const cacheRead = Math.min(tokens.cacheRead, input);
  const isDear = nanoUsd !== null && ceiling.nanoUsd !== null && nanoUsd > ceiling.nanoUsd;
  return {
    tokens: { input, output, cacheRead, cacheWrite: Math.min(tokens.cacheWrite, input - cacheRead), reasoning: Math.min(tokens.reasoning, output) },
    nanoUsd: isDear ? ceiling.nanoUsd : nanoUsd,
  };
}
