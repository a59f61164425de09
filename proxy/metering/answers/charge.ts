import type { ModelUse, UsageAlarm } from "../../model/metered-call.ts";
import type { AnswerContext } from "./answer-context.ts";
import type { AnswerNotes } from "./answer-notes.ts";
import { isDearer, pricedReport, priceOf } from "./answer-price.ts";
import { below, ceilingOf, isOver, mostCharged } from "./ceiling.ts";
import { amountsOf, larger, type Counted } from "./counted.ts";
import { estimate, type AnswerEnd } from "./estimate.ts";
import { extractStrictly, type ExtractedUsage } from "./extracted-usage.ts";

/**
 * What an answer is charged. A report counts if it is whole, fit and believable; else the larger of what is known and what is estimated, marked and
 * alarmed. What is charged has an end (`mostCharged`), unless the operator wants whatever is reported.
 */
export function chargeFor(context: AnswerContext, notes: AnswerNotes, end: AnswerEnd): ModelUse {
  const { price, isSurprise } = priceOf(context, notes);
  const extracted = notes.usage === null ? null : withSearches(extractStrictly(notes.usage, context.facts.api, context.provider, context.pricing), notes);
  const reported = extracted === null ? null : pricedReport(extracted, notes.usage ?? {}, price, context);
  const ceiling = ceilingOf(context);
  const isMalformed = notes.isMalformed || (notes.usage !== null && reported === null);
  const isUnder = reported !== null && notes.isFinal && isLess(reported, context, notes);
  const needsEstimate = isMalformed || isUnder || reported === null || !notes.isFinal;
  const estimated = needsEstimate ? estimate(context, notes, { end, price, known: extracted }) : null;
  const believed = larger(reported, estimated);
  const most = mostCharged(context, ceiling, price);
  const isBounded = most !== null && isOver(most, believed);
  const charged = isBounded ? below(most, believed) : believed;
  const alarms: Readonly<Record<UsageAlarm, boolean>> = {
    "malformed": isMalformed, "missing": !isMalformed && !notes.isFinal && end.outcome === "complete" && !notes.isFailed,
    "unknown-model": isSurprise || isDearer(context, price, extracted, reported),
    "under-reported": isUnder, "over-reported": reported !== null && isOver(ceiling, reported),
  };
  return {
    amounts: amountsOf(charged, context.isFree), tokens: charged.tokens, model: notes.model ?? context.facts.model, isEstimated: needsEstimate || isBounded,
    reportedNanoUsd: reported?.nanoUsd ?? null, estimatedNanoUsd: estimated?.nanoUsd ?? null,
    alarms: (Object.keys(alarms) as UsageAlarm[]).filter((alarm) => alarms[alarm]),
  };
}

/** The report with the searches that were seen, where it does not count them. */
function withSearches(extracted: ExtractedUsage | null, { webSearches, fileSearches }: AnswerNotes): ExtractedUsage | null {
  if (extracted === null || webSearches + fileSearches === 0) return extracted;
  const { usage } = extracted;
  const most = (name: string, seen: number) => Math.max(usage[name] ?? 0, seen);
  return { ...extracted, usage: { ...usage, web_searches: most("web_searches", webSearches), storage_searches: most("storage_searches", fileSearches) } };
}

/** Less than was sent, or than was seen. */
function isLess({ tokens }: Counted, { leastInputTokens }: AnswerContext, { output, isFailed }: AnswerNotes): boolean {
  return (tokens.input < leastInputTokens && !isFailed) || output.isMoreThan(tokens.output);
}
