import type { Amounts } from "../../common/meters.ts";
import { EgressError } from "../../proxy/errors.ts";
import type { Destination, HeldBody, Metering } from "../../proxy/metering/metering.ts";
import type { AnswerMeter, MeteredCall, ModelUse } from "../../proxy/model/metered-call.ts";
import type { RequestHead } from "../../proxy/model/request.ts";

/** Of every request, in tokens; a token of input costs 1 nano-dollar, one of output 10. */
export const INPUT_TOKENS = 100;
/** What a stream without a limit holds ahead, in tokens. */
export const STEP_TOKENS = 4;
/** An event of the stand-in's answers: one token of output. */
export const WORD = "data: word\n\n";
/** An event that the agent did not ask for. */
export const USAGE_EVENT = "data: usage\n\n";
export const END_OF_CUT = "data: length\n\n";

/** What so many tokens of output come to, with the input. */
export function priceOf(output: number, input = INPUT_TOKENS): Amounts {
  return { tokens: BigInt(input + output), "input-tokens": BigInt(input), "output-tokens": BigInt(output), usd: BigInt(input + 10 * output) };
}

interface Asked {
  readonly model: string;
  readonly max_tokens?: number;
  readonly stream?: boolean;
  readonly unpriced?: boolean;
  /** Paid by a plan: of no price, with an input that nothing bounds. */
  readonly plan?: boolean;
  readonly tools?: "unlimited" | "limited";
}

/** A metering room for one made-up API: `POST /v1/x` is a call, `/free` and `/unmetered` are what they say; all else is no model's. */
export class FakeMetering implements Metering {
  readonly shortage = { whenShort: "clamp" as "clamp" | "refuse", leastOutputTokens: 2 };
  readonly meters: FakeMeter[] = [];
  bodyLimitBytes = 1_000;
  isOff = false;

  recognise({ method, path, upgrade }: Pick<RequestHead, "method" | "path" | "upgrade">): Destination {
    if (this.isOff) return { kind: "other" };
    if (path === "/free") return { kind: "free" };
    if (path === "/unmetered" || upgrade !== null) return { kind: "unmetered" };
    return method === "POST" ? { kind: "call", call: { api: "openai-chat", bodyLimitBytes: this.bodyLimitBytes } } : { kind: "other" };
  }

  async read(_call: unknown, _head: RequestHead, { body }: HeldBody): Promise<MeteredCall> {
    try {
      return new FakeCall(JSON.parse(body.toString()) as Asked, null, this.meters);
    } catch (cause) {
      throw new EgressError("request.malformed", "no JSON", { cause });
    }
  }

  refusal({ path }: Pick<RequestHead, "path">, error: EgressError): ReturnType<Metering["refusal"]> {
    if (path !== "/v1/x") return null;
    return { status: 429, headers: [["content-type", "application/json"], ["x-should-retry", "perhaps"]], body: Buffer.from(JSON.stringify({ error: { type: "insufficient_quota", message: error.explanation?.reason } })) };
  }
}

class FakeCall implements MeteredCall {
  readonly facts: MeteredCall["facts"];
  readonly models: readonly string[];
  readonly tools: readonly string[] = [];
  readonly unread = [];
  readonly worstCase: Amounts;
  readonly unbounded: MeteredCall["unbounded"];
  readonly body: Buffer | null;
  readonly #asked: Asked;
  readonly #meters: FakeMeter[];

  constructor(asked: Asked, body: Buffer | null, meters: FakeMeter[]) {
    this.#asked = asked;
    this.#meters = meters;
    this.body = body;
    this.facts = { api: "openai-chat", provider: "fake", model: asked.model, isStream: asked.stream === true, maxOutputTokens: asked.max_tokens ?? null };
    this.models = [asked.model];
    this.worstCase = worstCase(asked);
    this.unbounded = isUnpriced(asked) || asked.plan === true ? { rule: "metering.unknown-model", reason: "no price", hint: "set one" } : null;
  }

  forgetText(): void {}

  lent(): MeteredCall {
    return this;
  }

  /** A call with `tools` is unbounded until they are limited. */
  bounded(): MeteredCall {
    if (this.#asked.tools !== "unlimited") return this;
    const asked: Asked = { ...this.#asked, tools: "limited" };
    return new FakeCall(asked, Buffer.from(JSON.stringify(asked)), this.#meters);
  }

  clamp(left: Amounts, least: number): MeteredCall | null {
    const most = [left["output-tokens"], left.tokens === undefined ? undefined : left.tokens - 100n, left.usd === undefined ? undefined : (left.usd - 100n) / 10n];
    const bought = Math.min(this.#asked.max_tokens ?? Number.POSITIVE_INFINITY, ...most.filter((limit) => limit !== undefined).map(Number));
    if (bought < least || !Number.isFinite(bought)) return null;
    const asked = { ...this.#asked, max_tokens: bought };
    return new FakeCall(asked, Buffer.from(JSON.stringify(asked)), this.#meters);
  }

  watch(status: number): AnswerMeter {
    const meter = new FakeMeter(status, this.facts.model, this.facts);
    this.#meters.push(meter);
    return meter;
  }
}

function isUnpriced({ unpriced, tools }: Asked): boolean {
  return unpriced === true || tools === "unlimited";
}

function worstCase(asked: Asked): Amounts {
  if (asked.plan === true) return { usd: 0n };
  const { usd = 0n, ...tokens } = priceOf(asked.max_tokens ?? STEP_TOKENS);
  return isUnpriced(asked) ? tokens : { ...tokens, usd };
}

/** Counts the words of an answer; keeps a `usage` event to itself. */
export class FakeMeter implements AnswerMeter {
  readonly #status: number;
  readonly #model: string;
  readonly #isStream: boolean;
  readonly #isBounded: boolean;
  #words = 0;
  outcome: "complete" | "cut" | "failed" | null = null;

  constructor(status: number, model: string, { isStream, maxOutputTokens }: MeteredCall["facts"]) {
    this.#status = status;
    this.#model = model;
    this.#isStream = isStream;
    this.#isBounded = maxOutputTokens !== null;
  }

  push(chunk: Buffer): Buffer {
    const text = chunk.toString("latin1");
    this.#words += text.split("word").length - 1;
    return Buffer.from(text.replaceAll(USAGE_EVENT, ""), "latin1");
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  get soFar(): Amounts {
    return priceOf(this.#words);
  }

  get step(): Amounts | null {
    return this.#isBounded ? null : priceOf(STEP_TOKENS, 0);
  }

  cut(): Buffer {
    return Buffer.from(this.#isStream ? END_OF_CUT : "");
  }

  result(outcome: "complete" | "cut" | "failed"): ModelUse {
    if (this.outcome !== null) throw new Error(`asked twice: ${this.outcome}, ${outcome}`);
    this.outcome = outcome;
    const amounts = this.#status >= 400 ? {} : this.soFar;
    const tokens = { input: Number(amounts["input-tokens"] ?? 0n), cacheRead: 0, cacheWrite: 0, output: Number(amounts["output-tokens"] ?? 0n), reasoning: 0 };
    const estimated = amounts.usd ?? 0n;
    return { amounts, tokens, model: this.#model, isEstimated: outcome !== "complete", reportedNanoUsd: outcome === "complete" ? estimated : null, estimatedNanoUsd: estimated, alarms: [] };
  }
}
