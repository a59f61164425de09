import type { Amounts } from "../../common/meters.ts";
import type { Explanation } from "../errors.ts";
import type { AnswerMeter, CallFacts, MeteredCall } from "../model/metered-call.ts";
import type { HeaderList } from "../model/request.ts";
import { openAnswerMeter } from "./answers/open-answer-meter.ts";
import { mayThinkUnseen } from "./answers/unseen-reasoning.ts";
import type { MeteringConfig } from "./config.ts";
import { boundInput, type InputBound } from "./input-bound.ts";
import { mostOutput } from "./most-output.ts";
import { outputCeiling } from "./output-ceiling.ts";
import type { Price, Pricing, UsageBounds } from "./pricing.ts";
import type { ModelRoute } from "./recognise.ts";
import type { RequestText } from "./request-text.ts";
import type { Reading } from "./requests/reading.ts";
import { spliced } from "./requests/splice.ts";
import { priceProblem } from "./unbounded.ts";

/** All that is known of a request once it was read. */
export interface RequestFacts {
  readonly route: ModelRoute;
  readonly reading: Reading;
  readonly source: RequestText;
  readonly textBytes: number;
  readonly wasEncoded: boolean;
  readonly input: InputBound;
  /** Less than this is not believed, in tokens. */
  readonly leastInput: number;
  /** How often the provider's tools may run by a limit that is put in, and the request as it was read; null if none is put in. */
  readonly toolCalls: { readonly most: number; readonly asRead: RequestFacts } | null;
  /** By `reading.models`; null for those without. */
  readonly prices: readonly (Price | null)[];
  /** A plan pays, or nobody: tokens count, money does not. */
  readonly isFree: boolean;
  /** The same where these are lent. */
  readonly isFreeOn: (grants: readonly string[]) => boolean;
  readonly pricing: Pricing;
  readonly config: MeteringConfig;
}

/** A request to a model, with one limit of output. */
export class RequestCall implements MeteredCall {
  readonly facts: CallFacts;
  readonly models: readonly string[];
  readonly tools: readonly string[];
  readonly unread: MeteredCall["unread"];
  readonly worstCase: Amounts;
  readonly unbounded: Explanation | null;
  readonly #request: RequestFacts;
  /** Most tokens of one choice; null where nothing limits them. */
  readonly perChoice: number | null;
  readonly #bounds: UsageBounds;
  /** Undefined until it is asked for. */
  #body: Buffer | null | undefined;

  constructor(request: RequestFacts, perChoice: number | null) {
    const { reading, route, prices, isFree } = request;
    this.#request = request;
    this.perChoice = perChoice;
    const most = perChoice === null ? null : perChoice * answersOf(reading);
    this.#bounds = boundsOf(request, reading.hasOutput ? most ?? unlimitedOutput(request) : 0);
    const priceless = isFree ? null : priceProblem(reading, prices);
    const problem = problemOf(reading);
    this.unbounded = problem ?? priceless;
    const maxOutputTokens = reading.hasOutput ? most : 0;
    this.models = reading.models;
    this.tools = reading.toolNames;
    this.unread = reading.unread;
    this.facts = { api: route.api, provider: route.provider, model: reading.models[0] ?? "", isStream: reading.isStream, maxOutputTokens };
    // What costs nothing costs nothing however much of it there is.
    const usd = isFree || this.unbounded === null ? { usd: worstUsd(request, this.#bounds) } : {};
    this.worstCase = problem === null ? { ...tokenAmounts(this.#bounds), ...usd } : usd;
  }

  get body(): Buffer | null {
    if (this.#body === undefined) this.#body = this.#write();
    return this.#body;
  }

  forgetText(): void {
    this.#request.source.forget();
  }

  lent(grants: readonly string[]): MeteredCall {
    const isFree = this.#request.isFreeOn(grants);
    return isFree === this.#request.isFree ? this : new RequestCall({ ...this.#request, isFree }, this.perChoice);
  }

  bounded(): MeteredCall {
    const { reading: { problem, toolLimit }, config: { toolCalls } } = this.#request;
    return problem !== null || toolLimit === null || toolCalls === 0 ? this : new RequestCall(withToolCalls(this.#request, toolCalls), this.perChoice);
  }

  clamp(headroom: Amounts, leastOutputTokens: number): MeteredCall | null {
    const { toolCalls, config } = this.#request;
    const wanted = this.perChoice ?? config.stepTokens;
    let clamped = this.#clampOutput(headroom, leastOutputTokens);
    // A search less is better than half an answer.
    for (let calls = (toolCalls?.most ?? 0) - 1; toolCalls !== null && calls >= 1 && isLessThan(clamped, wanted); calls -= 1) {
      clamped = new RequestCall(withToolCalls(toolCalls.asRead, calls), this.perChoice).#clampOutput(headroom, leastOutputTokens);
    }
    return clamped;
  }

  #clampOutput(headroom: Amounts, leastOutputTokens: number): RequestCall | null {
    const { reading } = this.#request;
    const { "usd": money, ...tokens } = headroom;
    if (problemOf(reading) !== null || (money !== undefined && this.worstCase.usd === undefined)) return null;
    const most = mostOutput(tokens, money ?? null, this.#bounds.input, (output) => worstUsd(this.#request, boundsOf(this.#request, output)));
    if (most === null || !reading.hasOutput) return most === null ? null : this;
    const fitting = Math.floor(most / answersOf(reading));
    if (this.perChoice !== null && fitting >= this.perChoice) return this;
    const perChoice = Math.min(fitting, this.#highestLimit(headroom));
    if (perChoice < Math.max(leastOutputTokens, reading.leastPerChoice) || reading.limitEdits(perChoice) === null) return null;
    return new RequestCall(this.#request, perChoice);
  }

  watch(status: number, headers: HeaderList): AnswerMeter {
    const { route, reading, prices, isFree, pricing, config, input, leastInput } = this.#request;
    return openAnswerMeter({
      facts: this.#isHeldWhole ? { ...this.facts, maxOutputTokens: this.#bounds.output } : this.facts, provider: route.provider, pricing, price: isFree ? null : dearest(prices, this.#bounds),
      isFlatPrice: typeof route.declared?.price === "object",
      bounds: this.#bounds, capability: capabilityOf(this.#request, this.#bounds), isBounded: problemOf(reading) === null, isPriced: this.unbounded === null,
      choices: reading.choices, rounds: reading.rounds, estimatedInputTokens: input.likely, leastInputTokens: leastInput, stepTokens: config.stepTokens,
      isUsageInjected: reading.usageEdits.length > 0, isFree, models: reading.models,
      limits: { ...config, overReport: config.overReport ?? (route.declared === null ? "believable" : "ceiling") },
    }, status, headers);
  }

  /** Nothing limits the output, and all that the model may write is held. */
  get #isHeldWhole(): boolean {
    const { reading } = this.#request;
    return reading.hasOutput && this.perChoice === null && !isHeldBySteps(this.#request);
  }

  /** A limit that the model refuses would end the call: above what it writes at most, or above a first step where that is not known. */
  #highestLimit(headroom: Amounts): number {
    const { reading, config } = this.#request;
    const isPolicy = Object.keys(headroom).every((meter) => meter === "output-tokens");
    const ceilings = reading.models.map((model) => outputCeiling(model) ?? (isPolicy || this.perChoice !== null ? Number.POSITIVE_INFINITY : config.stepTokens));
    return Math.min(...ceilings);
  }

  #write(): Buffer | null {
    const { reading, source, wasEncoded } = this.#request;
    const limits = this.perChoice === reading.perChoice || this.perChoice === null ? [] : reading.limitEdits(this.perChoice) ?? [];
    const edits = [...reading.usageEdits, ...reading.toolEdits, ...limits];
    // What was encoded is sent as it was read: another decoder could make something else of it.
    if (edits.length === 0) return wasEncoded ? source.bytes : null;
    return spliced(source.bytes, edits);
  }
}

function isLessThan(call: RequestCall | null, tokens: number): boolean {
  return call === null || (call.perChoice ?? tokens) < tokens;
}

function problemOf({ problem, toolLimit }: Reading): Explanation | null {
  return problem ?? toolLimit?.problem ?? null;
}

/** @param request as it was read */
function withToolCalls(request: RequestFacts, calls: number): RequestFacts {
  const { reading: { toolLimit }, textBytes, prices, config } = request;
  if (toolLimit === null) return request;
  const reading = request.reading.limitedTo(calls, toolLimit);
  return { ...request, reading, input: boundInput(reading, textBytes, prices, config), toolCalls: { most: calls, asRead: request } };
}

/** How many answers the limit of one choice holds for: each choice, each time the provider asks the model. */
function answersOf({ choices, rounds }: Reading): number {
  return choices * rounds;
}

/**
 * What is held where nothing limits the output. A stream whose output is seen is held by steps, and cut where the next one is refused. What is written,
 * and billed, before it is seen is held whole, at all that its model may write: an answer in one piece, and thoughts that are not shown.
 */
function unlimitedOutput(request: RequestFacts): number {
  return isHeldBySteps(request) ? request.config.stepTokens : mostWritten(request) * answersOf(request.reading);
}

/** In one answer. */
function mostWritten({ reading, prices, config }: RequestFacts): number {
  return Math.max(...reading.models.map((model, index) => {
    const most = outputCeiling(model) ?? config.unknownOutputTokens;
    return Math.min(most, prices[index]?.contextTokens ?? most);
  }));
}

/** Where a bound has a hole, the table's windows and limits may have one too: what is unknown is the least of what is believed. */
function capabilityOf(request: RequestFacts, bounds: UsageBounds): Pick<UsageBounds, "input" | "output"> {
  const { reading, prices, config } = request;
  const window = Math.max(config.unknownContextTokens, reading.windowTokens, ...prices.map((price) => price?.contextTokens ?? 0));
  const answer = reading.hasOutput ? Math.max(config.unknownOutputTokens, mostWritten(request)) : 0;
  return { input: Math.max(bounds.input, window * reading.rounds), output: Math.max(bounds.output, answer * answersOf(reading)) };
}

function isHeldBySteps({ route, reading }: RequestFacts): boolean {
  return reading.isStream && !reading.models.some((model) => mayThinkUnseen(route.api, model, false));
}

function boundsOf({ reading, input }: RequestFacts, output: number): UsageBounds {
  const { cacheWrites, hasMedia, hasAudioOutput, webSearches, fileSearches } = reading;
  return { input: input.most, output, cacheWrites, hasMedia, hasAudioOutput, webSearches, fileSearches };
}

function tokenAmounts({ input, output }: UsageBounds): Amounts {
  return {
    "tokens": BigInt(input) + BigInt(output), "input-tokens": BigInt(input), "cached-input-tokens": BigInt(input),
    "output-tokens": BigInt(output), "reasoning-tokens": BigInt(output),
  };
}

/** Of the models that may answer, the one that would cost most. Models without a price make a call unbounded, and count nothing here. */
function worstUsd({ prices, isFree }: RequestFacts, bounds: UsageBounds): bigint {
  if (isFree) return 0n;
  return dearest(prices, bounds)?.worst(bounds) ?? 0n;
}

function dearest(prices: readonly (Price | null)[], bounds: UsageBounds): Price | null {
  const known = prices.filter((price) => price !== null);
  return known.reduce<Price | null>((most, price) => (most === null || price.worst(bounds) > most.worst(bounds) ? price : most), null);
}
