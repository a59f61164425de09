import type { Price } from "../pricing.ts";
import type { AnswerContext } from "./answer-context.ts";
import type { AnswerNotes } from "./answer-notes.ts";
import type { Counted } from "./counted.ts";
import type { ExtractedUsage } from "./extracted-usage.ts";
import { objectAt, type JsonObject } from "./json-text.ts";

/** Decimal digits that a double keeps. */
const DIGITS_OF_DOUBLE = 15;

/** The price of what answered. */
export interface AnswerPrice {
  readonly price: Price | null;
  /** Another model answered than was asked for, and it has no price or a lower one. */
  readonly isSurprise: boolean;
}

/** What names of one model end in: a date, a number of its version, a word for the newest. */
const VERSION = /[-@](?:\d{3,}[\d-]*|latest|preview.*|exp.*)$/;

/**
 * The price of the model that answered, if it has one; else that of the request's, and that of the request's too if a cheaper model names itself: what
 * is billed is what was asked for. OpenRouter answers with a model of its own choice. Bedrock names models in the path alone, and an operator's own price
 * holds for all of a host.
 */
export function priceOf(context: AnswerContext, { model }: AnswerNotes): AnswerPrice {
  const { price, isFlatPrice, isFree, facts, models, pricing, provider } = context;
  if (isFree || isFlatPrice || model === null || model === facts.model || facts.api.startsWith("bedrock-")) return { price, isSurprise: false };
  const own = pricing.find(provider, model);
  const isKnown = own !== null && !own.isFallback;
  if (isKnown && price !== null && isCheaperOther(context, price, own)) return { price, isSurprise: true };
  return { price: isKnown || price === null ? own : price, isSurprise: !isKnown && !models.includes(model) };
}

function isCheaperOther({ provider, models, bounds }: AnswerContext, asked: Price, own: Price): boolean {
  if (provider === "openrouter" || asked.isFallback || models.includes(own.model) || own.provider.models[0]?.id === asked.provider.models[0]?.id) return false;
  return models.every((model) => nameOf(model) !== nameOf(own.model)) && asked.worst(bounds) > own.worst(bounds);
}

/** Without a publisher before it and a version after it. */
function nameOf(model: string): string {
  return model.slice(model.lastIndexOf("/") + 1).replace(VERSION, "");
}

/** True if another model answered than was asked for, and it costs more. */
export function isDearer(context: AnswerContext, price: Price | null, extracted: ExtractedUsage | null, reported: Counted | null): boolean {
  if (context.price === null || price === context.price || isStatedCost(context)) return false;
  if (extracted === null || reported === null || reported.nanoUsd === null) return false;
  const asked = context.price.charge(extracted.usage);
  return asked !== null && reported.nanoUsd > asked;
}

/**
 * What a report comes to.
 * @param raw the report itself: OpenRouter says in it what it charged
 * @returns null for a usage that contradicts itself
 */
export function pricedReport({ usage, tokens }: ExtractedUsage, raw: JsonObject, price: Price | null, context: AnswerContext): Counted | null {
  if (context.isFree) return { tokens, nanoUsd: null };
  const cost = isStatedCost(context) ? statedCost(raw) : undefined;
  if (cost !== undefined) return cost === null ? null : { tokens, nanoUsd: cost };
  if (price === null) return { tokens, nanoUsd: null };
  const charge = price.charge(usage);
  return charge === null ? null : { tokens, nanoUsd: charge };
}

function isStatedCost({ facts, isFlatPrice }: AnswerContext): boolean {
  return facts.api === "openrouter-chat" && !isFlatPrice;
}

/**
 * OpenRouter says what it charged, and what the provider charges beside it where the key is the customer's own
 * (https://openrouter.ai/docs/use-cases/usage-accounting).
 * @returns undefined if it does not say; null for a cost that is none
 */
function statedCost(usage: JsonObject): bigint | null | undefined {
  const cost = usage["cost"] ?? undefined;
  if (cost === undefined) return undefined;
  const upstream = usage["is_byok"] === false ? 0 : objectAt(usage, "cost_details")["upstream_inference_cost"] ?? 0;
  if (!isDollars(cost) || !isDollars(upstream)) return null;
  return statedNano(cost) + statedNano(upstream);
}

/** A stated sum has few decimals: what a double adds to it is no nano-dollar that anybody charged. */
function statedNano(dollars: number): bigint {
  return BigInt(Math.ceil(Number((dollars * 1e9).toPrecision(DIGITS_OF_DOUBLE))));
}

function isDollars(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
