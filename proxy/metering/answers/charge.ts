import { AMOUNT_LIMIT, type Amounts } from "../../../common/meters.ts";
import type { ModelUse, TokenCounts, UsageAlarm } from "../../model/metered-call.ts";
import { nanoUsd, type Price, type Usage } from "../pricing.ts";
import type { AnswerNotes } from "./answer-notes.ts";
import { extractStrictly, type ExtractedUsage } from "./extracted-usage.ts";
import { objectAt, type JsonObject } from "./json-text.ts";
import type { AnswerContext } from "./answer-context.ts";
import { mayThinkUnseen } from "./unseen-reasoning.ts";

/** More than any model reads or writes for one request: where nothing else bounds a report, this does. */
const MOST_TOKENS = 10_000_000;

export const NO_TOKENS: TokenCounts = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0 };

/** How an answer ended, as the charge sees it. */
export interface AnswerEnd {
  readonly outcome: "complete" | "cut" | "failed";
  /** False for an answer in one piece: what is missing of it may be all of it. */
  readonly isStream: boolean;
  /** Tokens of output that are held for it, with all steps. */
  readonly heldOutput: number;
}

/** What a count comes to: tokens, and money where the model has a price. */
interface Counted {
  readonly tokens: TokenCounts;
  readonly nanoUsd: bigint | null;
}

/**
 * What an answer is charged. A report counts if it is whole, fit and believable; else the larger of what is known and what is estimated, marked and alarmed.
 */
export function chargeFor(context: AnswerContext, notes: AnswerNotes, end: AnswerEnd): ModelUse {
  const alarms = new Set<UsageAlarm>();
  const { price, isSurprise } = priceOf(context, notes);
  const extracted = notes.usage === null ? null : extractStrictly(notes.usage, context.facts.api, context.provider, context.pricing);
  const reported = extracted === null ? null : pricedReport(extracted, { context, price, raw: notes.usage ?? {} });
  const isMalformed = notes.isMalformed || (notes.usage !== null && reported === null);
  if (isMalformed) alarms.add("malformed");
  else if (!notes.isFinal && end.outcome === "complete" && !notes.isFailed) alarms.add("missing");
  if (isSurprise || isDearer(context, extracted, reported)) alarms.add("unknown-model");
  const isUnder = reported !== null && notes.isFinal && reported.tokens.output < notes.output.least;
  if (isUnder) alarms.add("under-reported");
  const needsEstimate = isMalformed || isUnder || reported === null || !notes.isFinal;
  const estimated = needsEstimate ? estimate(context, notes, { end, price, known: extracted }) : null;
  const believed = larger(reported, estimated);
  const charged = bounded(context, believed);
  if (isOver(context, reported)) alarms.add("over-reported");
  return {
    amounts: amountsOf(charged, context.isFree), tokens: charged.tokens, model: notes.model ?? context.facts.model, isEstimated: needsEstimate || charged !== believed,
    reportedNanoUsd: reported?.nanoUsd ?? null, estimatedNanoUsd: estimated?.nanoUsd ?? null, alarms: [...alarms],
  };
}

/** Of the model meters. Money only where it counts and has a price. */
export function amountsOf({ tokens, nanoUsd: usd }: Counted, isFree: boolean): Amounts {
  const counts = {
    tokens: BigInt(tokens.input + tokens.output), "input-tokens": BigInt(tokens.input), "cached-input-tokens": BigInt(tokens.cacheRead),
    "output-tokens": BigInt(tokens.output), "reasoning-tokens": BigInt(tokens.reasoning),
  };
  return isFree || usd === null ? counts : { ...counts, usd: usd > AMOUNT_LIMIT ? AMOUNT_LIMIT : usd };
}

/** The price of the model that answered, if it has one; Bedrock names models in the path alone, and an operator's own price holds for all of a host. */
function priceOf(context: AnswerContext, notes: AnswerNotes): { readonly price: Price | null; readonly isSurprise: boolean } {
  const { price, isFlatPrice, facts, models } = context;
  if (context.isFree || isFlatPrice || notes.model === null || facts.api.startsWith("bedrock-")) return { price, isSurprise: false };
  const own = context.pricing.find(context.provider, notes.model);
  const isKnown = own !== null && !own.isFallback;
  return { price: isKnown || price === null ? own : price, isSurprise: !isKnown && !models.includes(notes.model) };
}

/** True if another model answered than was asked for, and it costs more. */
function isDearer(context: AnswerContext, extracted: ExtractedUsage | null, reported: Counted | null): boolean {
  if (context.price === null || extracted === null || reported === null || reported.nanoUsd === null) return false;
  if (context.facts.api === "openrouter-chat") return false;
  const asked = context.price.charge(extracted.usage);
  return asked !== null && reported.nanoUsd > asked;
}

/** @returns null for a usage that contradicts itself */
function pricedReport({ usage, tokens }: ExtractedUsage, { context, price, raw }: { context: AnswerContext; price: Price | null; raw: JsonObject }): Counted | null {
  if (context.isFree) return { tokens, nanoUsd: null };
  const cost = context.facts.api === "openrouter-chat" && !context.isFlatPrice ? statedCost(raw) : undefined;
  if (cost !== undefined) return cost === null ? null : { tokens, nanoUsd: cost };
  if (price === null) return { tokens, nanoUsd: null };
  const charge = price.charge(usage);
  return charge === null ? null : { tokens, nanoUsd: charge };
}

/**
 * OpenRouter says what it charged, and what the provider charges beside it where the key is the customer's own (https://openrouter.ai/docs/use-cases/usage-accounting).
 * @returns undefined if it does not say; null for a cost that is none
 */
function statedCost(usage: JsonObject): bigint | null | undefined {
  const cost = usage["cost"] ?? undefined;
  if (cost === undefined) return undefined;
  const upstream = usage["is_byok"] === false ? 0 : objectAt(usage, "cost_details")["upstream_inference_cost"] ?? 0;
  if (!isDollars(cost) || !isDollars(upstream)) return null;
  return nanoUsd(cost) + nanoUsd(upstream);
}

function isDollars(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}

interface Basis {
  readonly end: AnswerEnd;
  readonly price: Price | null;
  readonly known: ExtractedUsage | null;
}

function estimate(context: AnswerContext, notes: AnswerNotes, { end, price, known }: Basis): Counted {
  const { bounds, facts } = context;
  const seen = notes.output.estimate();
  const most = facts.maxOutputTokens === null ? MOST_TOKENS : bounds.output;
  const isUnheard = mayGoOnUnheard(context, notes, end);
  const output = Math.min(Math.max(isUnheard || isUnseen(context, notes, end) ? end.heldOutput : 0, seen, known?.tokens.output ?? 0), most);
  const usesKnown = known !== null && known.tokens.input > 0;
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

/** Field by field. */
function larger(one: Counted | null, other: Counted | null): Counted {
  if (one === null || other === null) return one ?? other ?? { tokens: NO_TOKENS, nanoUsd: null };
  const most = (name: keyof TokenCounts) => Math.max(one.tokens[name], other.tokens[name]);
  const tokens = { input: most("input"), cacheRead: most("cacheRead"), cacheWrite: most("cacheWrite"), output: most("output"), reasoning: most("reasoning") };
  const [usd, otherUsd] = [one.nanoUsd ?? 0n, other.nanoUsd ?? 0n];
  return { tokens, nanoUsd: one.nanoUsd === null && other.nanoUsd === null ? null : usd > otherUsd ? usd : otherUsd };
}

/** The most that can have been used, by the bounds that were held; null for money without a price. */
function ceilingOf({ bounds, facts, isBounded, price }: AnswerContext): { readonly input: number; readonly output: number; readonly nanoUsd: bigint | null } {
  const input = isBounded ? bounds.input : MOST_TOKENS;
  const output = isBounded && facts.maxOutputTokens !== null ? bounds.output : MOST_TOKENS;
  return { input, output, nanoUsd: price === null ? null : price.worst({ ...bounds, input, output }) };
}

function isOver(context: AnswerContext, reported: Counted | null): boolean {
  if (reported === null) return false;
  const ceiling = ceilingOf(context);
  const isDear = ceiling.nanoUsd !== null && reported.nanoUsd !== null && reported.nanoUsd > ceiling.nanoUsd;
  return reported.tokens.input > ceiling.input || reported.tokens.output > ceiling.output || isDear;
}

/** @returns the same if it is within what can have been used, or the operator wants what was reported */
function bounded(context: AnswerContext, counted: Counted): Counted {
  if (context.limits?.overReport === "reported") return counted;
  const ceiling = ceilingOf(context);
  const { tokens, nanoUsd: usd } = counted;
  const [input, output] = [Math.min(tokens.input, ceiling.input), Math.min(tokens.output, ceiling.output)];
  const nano = usd !== null && ceiling.nanoUsd !== null && usd > ceiling.nanoUsd ? ceiling.nanoUsd : usd;
  if (input === tokens.input && output === tokens.output && nano === usd) return counted;
  const cacheRead = Math.min(tokens.cacheRead, input);
  return { tokens: { input, output, cacheRead, cacheWrite: Math.min(tokens.cacheWrite, input - cacheRead), reasoning: Math.min(tokens.reasoning, output) }, nanoUsd: nano };
}

