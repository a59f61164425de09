import type { Price, Usage } from "../pricing.ts";
import type { AnswerContext } from "./answer-context.ts";
import type { AnswerNotes } from "./answer-notes.ts";
import { MOST_TOKENS } from "./ceiling.ts";
import { NO_TOKENS, type Counted } from "./counted.ts";
import type { ExtractedUsage } from "./extracted-usage.ts";
import { mayThinkUnseen } from "./unseen-reasoning.ts";

/** How an answer ended, as the charge sees it. */
export interface AnswerEnd {
  readonly outcome: "complete" | "cut" | "failed";
  /** False for an answer in one piece: what is missing of it may be all of it. */
  readonly isStream: boolean;
  /** Tokens of output that are held for it, with all steps. */
  readonly heldOutput: number;
}

/** What an estimate starts from. */
export interface Basis {
  readonly end: AnswerEnd;
  readonly price: Price | null;
  readonly known: ExtractedUsage | null;
}

/** What an answer probably came to, or all that was held for it where nobody can know. */
export function estimate(context: AnswerContext, notes: AnswerNotes, { end, price, known }: Basis): Counted {
  const { bounds, facts } = context;
  const seen = notes.output.estimate();
  const most = facts.maxOutputTokens === null ? MOST_TOKENS : bounds.output;
  const isUnheard = mayGoOnUnheard(context, notes, end);
  const output = Math.min(Math.max(isUnheard || isUnseen(context, notes, end) ? end.heldOutput : 0, seen, known?.tokens.output ?? 0), most);
  const usesKnown = known !== null && known.tokens.input >= Math.max(1, context.leastInputTokens) && !(isUnheard && context.rounds > 1);
  const input = usesKnown ? known.tokens.input : isUnheard ? bounds.input : context.estimatedInputTokens;
  const tokens = { ...(usesKnown ? known.tokens : NO_TOKENS), input, output, reasoning: Math.min(known?.tokens.reasoning ?? 0, output) };
  const usage: Usage = { ...(usesKnown ? known.usage : {}), input_tokens: input, output_tokens: output };
  const worst = () => price?.worst({ ...bounds, input, output }) ?? null;
  const charge = price === null || context.isFree ? null : isUnheard && !usesKnown ? worst() : price.charge(usage) ?? worst();
  return { tokens, nanoUsd: charge };
}

/**
 * True if the provider may have written on after the last that was seen, and bills it: models do not wait for who listens. An agent that leaves its
 * streams early, or never reads them, would else get for little what costs much.
 */
function mayGoOnUnheard({ limits }: AnswerContext, notes: AnswerNotes, { outcome }: AnswerEnd): boolean {
  return outcome !== "complete" && !notes.isFinal && !notes.isFailed && limits?.cutAnswers !== "estimated";
}

/** True if more may have been written than was seen, and nobody says how much. */
function isUnseen({ facts }: AnswerContext, notes: AnswerNotes, { outcome, isStream }: AnswerEnd): boolean {
  if (notes.isFinal || notes.isFailed) return false;
  // What has not come of an answer in one piece may have been written to its end.
  if (!isStream) return outcome !== "complete" || notes.output.isEmpty;
  return outcome === "complete" && mayThinkUnseen(facts.api, notes.model ?? facts.model, notes.hasThought);
}
