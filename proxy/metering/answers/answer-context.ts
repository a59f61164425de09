import type { CallFacts } from "../../model/metered-call.ts";
import type { MeteringConfig } from "../config.ts";
import type { Price, Pricing, UsageBounds } from "../pricing.ts";

/** All that the reader of an answer knows of its request. */
export interface AnswerContext {
  /** With the API; `facts.maxOutputTokens` is what was sent (null: nothing bounds the output, `stepTokens` are held at a time). */
  readonly facts: CallFacts;
  /** As the price table calls it, for `pricing.find(provider, model of the answer)`. */
  readonly provider: string;
  readonly pricing: Pricing;
  /** The price of the request's model, the dearest if it names several; null if it has none, or costs nothing. */
  readonly price: Price | null;
  /** The operator's own price for this host: the model that answers does not change it. */
  readonly isFlatPrice: boolean;
  /** What is held: `bounds.input` tokens of input and `bounds.output` of output. */
  readonly bounds: UsageBounds;
  /** The most that its models can read and write for it, however wrong `bounds` are; never less than they are. In tokens. */
  readonly capability: Pick<UsageBounds, "input" | "output">;
  /** True if `bounds` hold for certain: else a reported usage may rightly exceed them. */
  readonly isBounded: boolean;
  /** True if `price` is all that can be charged: else the money may rightly exceed what it makes of `bounds`. */
  readonly isPriced: boolean;
  /** Answers that were asked for (`n`, `candidateCount`): a report counts for all of it when all of them are over. */
  readonly choices: number;
  /** How often the provider may ask the model, of itself: input that is said before the end is that of the first time. */
  readonly rounds: number;
  /** What the input probably is, in tokens: for answers that never say. At most `bounds.input`. */
  readonly estimatedInputTokens: number;
  /** What the input is at least, in tokens: a report of less is not believed. */
  readonly leastInputTokens: number;
  /** Tokens of output to hold at a time where nothing bounds them. */
  readonly stepTokens: number;
  /** Usage was asked for in the agent's place: the event that carries it is swallowed. */
  readonly isUsageInjected: boolean;
  /** A subscription, or a host of our own: tokens count, money does not. */
  readonly isFree: boolean;
  /** All that the request names, the first is `facts.model`: an answer by one of them is no surprise. */
  readonly models: readonly string[];
  /** How answers are read; absent: the defaults of `metering`. */
  readonly limits?: AnswerLimits;
}

/** The parts of `metering` that are about answers. */
export interface AnswerLimits extends Pick<MeteringConfig, "cutAnswers" | "answerLimitBytes" | "eventLimitBytes"> {
  /** As it holds for this host. */
  readonly overReport: NonNullable<MeteringConfig["overReport"]>;
}
