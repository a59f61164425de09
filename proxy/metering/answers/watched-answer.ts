import type { Amounts, MeterName } from "../../../common/meters.ts";
import type { AnswerMeter, ModelUse, TokenCounts } from "../../model/metered-call.ts";
import type { HeaderList } from "../../model/request.ts";
import { bodyReader, firstByte, formOf, framingOf, streamReader, type FormName } from "./answer-form.ts";
import { AnswerNotes } from "./answer-notes.ts";
import { chargeFor } from "./charge.ts";
import { amountsOf, NO_TOKENS } from "./counted.ts";
import { extractStrictly } from "./extracted-usage.ts";
import { NO_BYTES, type Fate, type Framing, type StreamEvent } from "./framing/framing.ts";
import type { JsonObject } from "./json-text.ts";
import type { AnswerContext, AnswerLimits } from "./answer-context.ts";
import { OutputSteps } from "./output-steps.ts";
import type { StreamReader } from "./readers/reader.ts";
import { loadTokenizer } from "./token-counter.ts";

const DEFAULT_LIMITS: AnswerLimits = { overReport: "ceiling", cutAnswers: "held", answerLimitBytes: 32 * 1024 * 1024, eventLimitBytes: 8 * 1024 * 1024 };

/** The meter of an answer that has, or will have, a body: a framing that finds its events, a reader that knows their meaning, notes of what was found. */
export class WatchedAnswer implements AnswerMeter {
  readonly #context: AnswerContext;
  readonly #headers: HeaderList;
  readonly #notes = new AnswerNotes();
  readonly #steps: OutputSteps;
  #form: FormName | null = null;
  #framing: Framing | null = null;
  #reader: StreamReader | null = null;
  #known: { readonly usage: JsonObject | null; readonly tokens: TokenCounts } = { usage: null, tokens: NO_TOKENS };
  #isCut = false;

  /** @param headers lower case */
  constructor(context: AnswerContext, headers: HeaderList) {
    this.#context = context;
    this.#headers = headers;
    this.#steps = new OutputSteps(context.bounds.output);
    this.#choose(null);
  }

  push(chunk: Buffer): Buffer {
    if (this.#isCut) return NO_BYTES;
    if (this.#framing === null) this.#choose(firstByte(chunk));
    // White space before anything else.
    if (this.#framing === null) return chunk;
    const out = this.#framing.push(chunk, this.#see);
    if (this.#framing.isBlind) this.#notes.output.unclear(chunk.length);
    return out;
  }

  end(): Buffer {
    if (this.#isCut) return NO_BYTES;
    const last = this.#framing?.end(this.#see) ?? NO_BYTES;
    this.#reader?.end?.();
    return last;
  }

  get soFar(): Amounts {
    return this.#worst(this.#mostOutput());
  }

  get step(): Amounts | null {
    if (this.#context.facts.maxOutputTokens !== null || this.#form === "whole") return null;
    const output = this.#mostOutput();
    return difference(this.#worst(this.#steps.heldFor(output)), this.#worst(output));
  }

  cut(): Buffer {
    if (this.#isCut) return NO_BYTES;
    if (this.#framing === null && this.#context.facts.isStream) this.#choose(0x5b);
    this.#isCut = true;
    void loadTokenizer();
    if (this.#framing === null || this.#reader === null || this.#framing.isBlind) return NO_BYTES;
    try {
      const { tokens } = chargeFor(this.#context, this.#notes, { outcome: "cut", isStream: true, heldOutput: 0 });
      return this.#framing.close(this.#reader.ending(tokens));
    } catch {
      // As in `#see`: an ending that repeats what was seen may be more than can be written.
      return NO_BYTES;
    }
  }

  result(outcome: "complete" | "cut" | "failed"): ModelUse {
    const isStream = this.#form === null ? this.#context.facts.isStream : this.#form !== "whole" && this.#form !== "unreadable";
    const heldOutput = this.#isCut ? this.#steps.grantedTokens : this.#steps.heldTokens;
    return chargeFor(this.#context, this.#notes, { outcome: this.#isCut ? "cut" : outcome, isStream, heldOutput });
  }

  /** What the engine cannot bear, such as objects nested a hundred thousand deep, passes and counts as output. */
  readonly #see = (event: StreamEvent): Fate => {
    try {
      return this.#reader?.read(event) ?? "pass";
    } catch {
      this.#notes.output.unclear(event.data.length);
      return "pass";
    }
  };

  #choose(first: number | null): void {
    const { facts, limits = DEFAULT_LIMITS } = this.#context;
    this.#form = formOf(this.#headers, first, facts.api === "gemini-generate" && facts.isStream);
    if (this.#form === null) return;
    this.#framing = framingOf(this.#form, limits);
    const isStream = this.#form !== "whole" && this.#form !== "unreadable";
    this.#reader = isStream ? streamReader(this.#context, this.#notes) : bodyReader(this.#context, this.#notes, this.#headers);
  }

  /** What has been written at most, by what was seen and by what the provider has said so far. */
  #mostOutput(): number {
    return Math.max(this.#notes.output.most, this.#knownTokens().output);
  }

  #knownTokens(): TokenCounts {
    const { usage } = this.#notes;
    if (usage === null || usage === this.#known.usage) return this.#known.tokens;
    const { facts, provider, pricing } = this.#context;
    this.#known = { usage, tokens: extractStrictly(usage, facts.api, provider, pricing)?.tokens ?? NO_TOKENS };
    return this.#known.tokens;
  }

  /** What this much output, and all of the input, cost at most. */
  #worst(output: number): Amounts {
    const { bounds, price, isFree } = this.#context;
    const tokens = { ...NO_TOKENS, input: bounds.input, output };
    const worst = amountsOf({ tokens, nanoUsd: price === null ? null : price.worst({ ...bounds, output }) }, isFree);
    return { ...worst, "cached-input-tokens": BigInt(bounds.input), "reasoning-tokens": BigInt(output) };
  }
}

function difference(more: Amounts, less: Amounts): Amounts {
  return Object.fromEntries(Object.entries(more).map(([name, amount]) => [name, amount - (less[name as MeterName] ?? 0n)]));
}
