import type { Amounts } from "../../common/meters.ts";
import type { UnreadOfModel } from "./readings.ts";
import type { HeaderList } from "./request.ts";
import type { Explanation } from "../errors.ts";

/** The APIs of language models whose use can be counted. Each has its own shapes of requests, answers, streams and errors. */
export const MODEL_APIS = [
  "openai-chat", "openai-responses", "openai-embeddings", "anthropic-messages", "gemini-generate", "bedrock-converse", "bedrock-invoke", "mistral-chat", "openrouter-chat",
] as const;
export type ModelApi = (typeof MODEL_APIS)[number];

/** What a call is, for records, metrics and policy. */
export interface CallFacts {
  readonly api: ModelApi;
  /** As the price table calls it: `openai`, `anthropic`, `google`, `aws`, `azure`, `mistral`, `openrouter` … */
  readonly provider: string;
  /** As the request names it, at most 200 characters. */
  readonly model: string;
  readonly isStream: boolean;
  /** Most output tokens of all choices together, as it will be sent; null if nothing bounds it. */
  readonly maxOutputTokens: number | null;
}

/**
 * A request that goes to a model, read and bounded before a byte of it leaves. Immutable.
 */
export interface MeteredCall {
  readonly facts: CallFacts;
  /** That may answer, as the request names them: `facts.model` first. */
  readonly models: readonly string[];
  /** Names of the tools that are offered to the model, and types of those that the provider runs by itself (`web_search_20250305`). */
  readonly tools: readonly string[];
  /** What else something may bring that the request only names (a stored prompt, a preset): policy cannot know it. */
  readonly unread: readonly UnreadOfModel[];
  /**
   * The most that it can use of the model meters. Where nothing bounds the output: the first step, and `AnswerMeter.step` asks for more.
   * A meter that cannot be bounded is absent and named in `unbounded`.
   */
  readonly worstCase: Amounts;
  /** Why a hard budget of model meters refuses this: an unknown price, an input that nothing bounds. Null if all is bounded. */
  readonly unbounded: Explanation | null;
  /**
   * What leaves in place of what the agent sent (stream options, a lower limit of output); null: as it was sent.
   * Never content-encoded: where it is not null, the agent's `content-encoding` must not be sent with it.
   */
  readonly body: Buffer | null;
  /**
   * Lets go of what bodies are written from, here and in all calls that came of the same request: the answer may stream long after the request has left.
   * From now on `body` is known of this call alone, if it was asked for.
   */
  forgetText(): void;
  /** The same call on these grants, which say who pays: it was read before anybody knew what would be lent. */
  lent(grants: readonly string[]): MeteredCall;
  /**
   * The same call with a limit put in where the request leaves to the model how often the provider runs tools of its own, and the API can limit that.
   * For calls that something counts on: all others leave as the agent sent them.
   * @returns the call itself if there is nothing to put in
   */
  bounded(): MeteredCall;
  /**
   * The same call with its output limited to what `headroom` buys. A limit of policy is a headroom of `output-tokens` alone.
   * @param headroom what is left, of the meters that count; absent meters do not bind. Where `bounded` limited the provider's tools, they run fewer times before output is shortened
   * @param leastOutputTokens for each choice
   * @returns null if not even `leastOutputTokens` fit, a meter of `headroom` cannot be bounded, or the API has no such limit; the call itself if it is limited enough
   */
  clamp(headroom: Amounts, leastOutputTokens: number): MeteredCall | null;
  /** Begins to watch the answer, once its head is here. @param headers lower case */
  watch(status: number, headers: HeaderList): AnswerMeter;
}

/**
 * One answer as it streams. It sees the body decoded of its content coding, before anything else does. Never throws: an answer that cannot be read is
 * passed on and charged as an estimate.
 */
export interface AnswerMeter {
  /** @returns what goes on to the agent: the same bytes, without events that the agent did not ask for; perhaps nothing yet */
  push(chunk: Buffer): Buffer;
  /** @returns the last bytes */
  end(): Buffer;
  /** What is known or counted to have been used so far, output by a safe estimate. */
  readonly soFar: Amounts;
  /**
   * What should be held beyond `soFar` for the stream to go on, where nothing bounds the output; null where the worst case is held already.
   * Asked after each `push`.
   */
  readonly step: Amounts | null;
  /** What ends the stream for the client as if the limit of output had been reached: bytes after all that was pushed, in the API's own form. Empty for answers that are not streams. */
  cut(): Buffer;
  /** Once: what it came to. @param outcome `complete`: all of it was seen; `cut`: it ended early; `failed`: no answer came although something was sent */
  result(outcome: "complete" | "cut" | "failed"): ModelUse;
}

/** Tokens as normalised: `input` with both caches in it, `output` with reasoning in it. Whole, not negative. */
export interface TokenCounts {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly output: number;
  readonly reasoning: number;
}

/** What a call came to. */
export interface ModelUse {
  /** Charged, of the model meters. */
  readonly amounts: Amounts;
  readonly tokens: TokenCounts;
  /** Of the answer, or of the request if the answer names none. */
  readonly model: string;
  /** True if the provider's own count is missing, unfit or unbelievable. */
  readonly isEstimated: boolean;
  /** By the provider's count, and by ours, in nano-dollars; null where there is none. */
  readonly reportedNanoUsd: bigint | null;
  readonly estimatedNanoUsd: bigint | null;
  /** What a person should look at. */
  readonly alarms: readonly UsageAlarm[];
}

/**
 * `over-reported`: more than can have been used; `under-reported`: less than was sent or seen; `missing`, `malformed`: no usable count; `unknown-model`:
 * another model answered than was asked for, and its price is unknown or another.
 */
export type UsageAlarm = "over-reported" | "under-reported" | "missing" | "malformed" | "unknown-model";
