import type { AnswerContext } from "../../../proxy/metering/answers/answer-context.ts";
import { Pricing } from "../../../proxy/metering/pricing.ts";
import { anthropicAnswers } from "./anthropic-answers.ts";
import { bedrockAnswers } from "./bedrock-answers.ts";
import { geminiAnswers } from "./gemini-answers.ts";
import { openAiAnswers } from "./openai-answers.ts";
import type { RecordedAnswer } from "./recorded-answer.ts";
import { responsesAnswers } from "./responses-answers.ts";

/** Prices as they were on this day: the library's own prices are dated. */
export const NOW_MS = Date.UTC(2026, 10, 20);
export const PRICING = new Pricing({ overrides: [], fallback: null, nowMs: () => NOW_MS });

export const RECORDED_ANSWERS: readonly RecordedAnswer[] = [...openAiAnswers, ...responsesAnswers, ...anthropicAnswers, ...geminiAnswers, ...bedrockAnswers];

type Asked = Pick<RecordedAnswer, "api" | "provider" | "model" | "isStream" | "isUsageInjected">;

/** What the request side would say of the request: 100,000 tokens of input at most, and `maxOutputTokens` of output. */
export function contextFor({ api, provider, model, isStream, isUsageInjected = false }: Asked, more: Partial<AnswerContext> & { readonly maxOutputTokens?: number | null } = {}): AnswerContext {
  const { maxOutputTokens = 10_000, ...rest } = more;
  return {
    facts: { api, provider, model, isStream, maxOutputTokens }, provider, pricing: PRICING, price: PRICING.find(provider, model), isFlatPrice: false,
    bounds: { input: 100_000, output: maxOutputTokens ?? 1_000, cacheWrites: "1h", hasMedia: true, hasAudioOutput: true, webSearches: 10, fileSearches: 0 },
    capability: { input: 2_000_000, output: 131_072 }, isBounded: true, isPriced: true, choices: 1, rounds: 1, estimatedInputTokens: 500, leastInputTokens: 1, stepTokens: 1_000, isUsageInjected, isFree: false, models: [model], ...rest,
  };
}
