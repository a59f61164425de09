import type { Price, UsageBounds } from "../pricing.ts";
import type { AnswerContext } from "./answer-context.ts";
import type { Counted } from "./counted.ts";

/** More than any model reads or writes for one request: where nothing else bounds a report, this does. */
export const MOST_TOKENS = 10_000_000;

/** The most that can have been used. */
export interface Ceiling {
  readonly input: number;
  readonly output: number;
  /** Null without a price that is all of it. */
  readonly nanoUsd: bigint | null;
}

/** By the bounds that were held. */
export function ceilingOf({ bounds, facts, isBounded, isPriced, price }: AnswerContext): Ceiling {
  const input = isBounded ? bounds.input : MOST_TOKENS;
  const output = isBounded && facts.maxOutputTokens !== null ? bounds.output : MOST_TOKENS;
  return { input, output, nanoUsd: price === null || !isPriced ? null : price.worst({ ...bounds, input, output }) };
}

/**
 * The most that is charged. A bound may have a hole that an agent finds, and what a provider that we know reports is what it bills: up to what its models
 * can do at all, that is charged. A host that an operator declared is charged within what was held.
 * @param price of the model that answered
 * @returns null if whatever is reported is charged
 */
export function mostCharged(context: AnswerContext, held: Ceiling, price: Price | null): Ceiling | null {
  const { bounds, capability, limits } = context;
  if (limits?.overReport === "reported") return null;
  if (limits?.overReport !== "believable") return held;
  const [input, output] = [Math.max(held.input, capability.input), Math.max(held.output, capability.output)];
  const dearest: UsageBounds = { ...bounds, input, output, cacheWrites: "1h", hasMedia: true, hasAudioOutput: true };
  const costs = held.nanoUsd === null ? [] : [held.nanoUsd, ...[context.price, price].map((one) => one?.worst(dearest) ?? 0n)];
  return { input, output, nanoUsd: costs.length === 0 ? null : costs.reduce((most, cost) => (cost > most ? cost : most)) };
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
