import { describe, expect, test } from "vitest";
import type { AnswerContext } from "../../../../../proxy/metering/answers/answer-context.ts";
import { openAnswerMeter } from "../../../../../proxy/metering/answers/open-answer-meter.ts";
import { loadTokenizer } from "../../../../../proxy/metering/answers/token-counter.ts";
import { contextFor, PRICING } from "../../../../support/model-answers/answer-context.ts";
import { EVENT_SOURCE, JSON_TYPE } from "../../../../support/model-answers/recorded-answer.ts";

await loadTokenizer();

const GPT = { api: "openai-chat", provider: "openai", model: "gpt-4o", isStream: false } as const;
const SAID = "Here is one sentence that an assistant might say.";
const SAID_TOKENS = 10;
type More = Parameters<typeof contextFor>[1];

function bodyWith(usage: string, model = "gpt-4o"): string {
  return `{"model":"${model}","choices":[{"index":0,"message":{"role":"assistant","content":"${SAID}"}}]${usage}}`;
}

interface End {
  readonly status?: number;
  readonly outcome?: "complete" | "cut" | "failed";
}

function use(body: string, more: More = {}, { status = 200, outcome = "complete" }: End = {}) {
  const meter = openAnswerMeter(contextFor(GPT, more), status, JSON_TYPE);
  meter.push(Buffer.from(body));
  if (outcome === "complete") meter.end();
  return meter.result(outcome);
}

const priceOf = (input: number, output: number, context: AnswerContext = contextFor(GPT)) => context.price!.charge({ input_tokens: input, output_tokens: output });

describe("a report that cannot be believed", () => {
  const estimate = priceOf(500, Math.ceil(SAID_TOKENS * 1.1));

  test.each([
    ["missing", "", "missing"], ["null", ",\"usage\":null", "missing"], ["nested", ",\"meta\":{\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":9}}", "missing"],
    ["in the wrong place", ",\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":9}", "missing"],
    ["a string", ",\"usage\":\"9\"", "malformed"], ["an array", ",\"usage\":[9]", "malformed"], ["empty", ",\"usage\":{}", "malformed"],
    ["negative", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":-1}", "malformed"], ["a fraction", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10.5}", "malformed"],
    ["infinite", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1e309}", "malformed"], ["beyond 2⁵³", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":9007199254740993}", "malformed"],
    ["no number", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":NaN}", "missing"], ["digits in a string", ",\"usage\":{\"prompt_tokens\":\"9\",\"completion_tokens\":10}", "malformed"],
    ["null inside", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":null}", "malformed"], ["half", ",\"usage\":{\"prompt_tokens\":9}", "malformed"],
    ["said twice", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10},\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}", "malformed"],
    ["with a count twice", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10,\"completion_tokens\":10}", "malformed"],
    ["with more from the cache than there was", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":10}}", "malformed"],
    ["with more reasoning than output", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10,\"completion_tokens_details\":{\"reasoning_tokens\":11}}", "malformed"],
    ["with a negative detail", ",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10,\"prompt_tokens_details\":{\"cached_tokens\":-1}}", "malformed"],
  ])("%s: is charged at least the estimate, marked and alarmed", (_, usage, alarm) => {
    const result = use(bodyWith(usage));
    expect(result.alarms).toEqual([alarm]);
    expect(result.isEstimated).toBe(true);
    expect(result.amounts.usd).toBeGreaterThanOrEqual(alarm === "malformed" || usage === "" ? estimate! : 0n);
    expect(result.estimatedNanoUsd).toBe(result.amounts.usd);
  });

  test("its twin: whole numbers, and null where a detail may be left out", () => {
    const result = use(bodyWith(",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10,\"prompt_tokens_details\":null,\"completion_tokens_details\":{\"reasoning_tokens\":null}}"));
    expect(result).toMatchObject({ alarms: [], isEstimated: false, tokens: { input: 9, output: 10 }, estimatedNanoUsd: null });
    expect(result.amounts).toEqual({ "tokens": 19n, "input-tokens": 9n, "cached-input-tokens": 0n, "output-tokens": 10n, "reasoning-tokens": 0n, "usd": priceOf(9, 10) });
  });
});

describe("a report that is too high or too low", () => {
  test("is charged the most that can have been used, or as it is where the operator says so", () => {
    const body = bodyWith(",\"usage\":{\"prompt_tokens\":1000000000000,\"completion_tokens\":1000000000000}");
    const context = contextFor(GPT);
    const ceiling = use(body);
    expect(ceiling).toMatchObject({ alarms: ["over-reported"], isEstimated: true, tokens: { input: 100_000, output: 10_000 } });
    expect(ceiling.amounts.usd).toBe(context.price!.worst(context.bounds));
    const limits = { overReport: "reported", cutAnswers: "held", answerLimitBytes: 1 << 20, eventLimitBytes: 1 << 20 } as const;
    expect(use(body, { limits })).toMatchObject({ alarms: ["over-reported"], tokens: { input: 1e12, output: 1e12 } });
  });

  test("is charged as it is up to what the model can do at all where the provider's word is what counts, with an alarm", () => {
    const limits = { overReport: "believable", cutAnswers: "held", answerLimitBytes: 1 << 20, eventLimitBytes: 1 << 20 } as const;
    const beyond = use(bodyWith(",\"usage\":{\"prompt_tokens\":880000,\"completion_tokens\":12000}"), { limits });
    expect(beyond).toMatchObject({ alarms: ["over-reported"], isEstimated: false, tokens: { input: 880_000, output: 12_000 } });
    expect(beyond.amounts.usd).toBe(priceOf(880_000, 12_000));
    const { price, bounds, capability } = contextFor(GPT);
    const absurd = use(bodyWith(",\"usage\":{\"prompt_tokens\":1000000000000,\"completion_tokens\":1000000000000}"), { limits });
    expect(absurd).toMatchObject({ alarms: ["over-reported"], isEstimated: true, tokens: capability });
    expect(absurd.amounts.usd).toBe(price!.worst({ ...bounds, ...capability }));
    const dear = use(bodyWith(",\"usage\":{\"prompt_tokens\":880000,\"completion_tokens\":12000}", "gpt-4"), { limits });
    expect(dear.amounts.usd, "at the price of a dearer model too").toBe(PRICING.find("openai", "gpt-4")!.charge({ input_tokens: 880_000, output_tokens: 12_000 }));
  });

  test("may exceed bounds that are not certain, without an alarm", () => {
    expect(use(bodyWith(",\"usage\":{\"prompt_tokens\":200000,\"completion_tokens\":10}"), { isBounded: false })).toMatchObject({ alarms: [], tokens: { input: 200_000 } });
  });

  test("is held to the tokens that were held where only its price is unknown, and its money is not", () => {
    const body = bodyWith(",\"usage\":{\"prompt_tokens\":200000,\"completion_tokens\":10}");
    expect(use(body, { price: null, isPriced: false }).tokens).toMatchObject({ input: 100_000 });
    const { price, bounds } = contextFor(GPT);
    const reported = use(body, { isPriced: false });
    expect(reported).toMatchObject({ alarms: ["over-reported"], tokens: { input: 100_000 } });
    expect(reported.amounts.usd).toBe(price!.charge({ input_tokens: 200_000, output_tokens: 10 }));
    expect(use(body, { bounds: { ...bounds, input: 200_000 }, isPriced: false }).alarms).toEqual([]);
  });

  test("is charged by the text that was seen where less is reported", () => {
    const long = bodyWith(",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}").replace(SAID, `${SAID} `.repeat(50));
    const result = use(long);
    expect(result).toMatchObject({ alarms: ["under-reported"], isEstimated: true });
    expect(result.tokens.output).toBeGreaterThanOrEqual(500);
    expect(result.reportedNanoUsd).toBe(priceOf(9, 3));
  });

  test("is charged by what was sent where less input is reported than that can be, and where none is", () => {
    const sent = { leastInputTokens: 400 };
    const low = bodyWith(",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":10}");
    expect(use(low, sent)).toMatchObject({ alarms: ["under-reported"], isEstimated: true, tokens: { input: 500, output: 11 }, reportedNanoUsd: priceOf(1, 10) });
    expect(use(low.replace(":1,", ":400,"), sent)).toMatchObject({ alarms: [], tokens: { input: 400 } });
    expect(use("{\"choices\":[],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0}}")).toMatchObject({ alarms: ["under-reported"], tokens: { input: 500 } });
    expect(use(low, { leastInputTokens: 0 }).alarms, "nobody knows what was sent").toEqual([]);
  });

  test("is believed where the text is one run of the same character", () => {
    expect(use(bodyWith(",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}").replace(SAID, "=".repeat(5_000))).alarms).toEqual([]);
  });
});

describe("the price", () => {
  test("is that of the model that answered, and a dearer one than asked for is an alarm", () => {
    const usage = ",\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}";
    const dear = use(bodyWith(usage, "gpt-4"));
    expect(dear).toMatchObject({ model: "gpt-4", alarms: ["unknown-model"] });
    expect(dear.amounts.usd).toBe(PRICING.find("openai", "gpt-4")!.charge({ input_tokens: 1_000, output_tokens: 100 }));
    expect(use(bodyWith(usage, "gpt-4o-2024-08-06")).alarms).toEqual([]);
  });

  test("is that of the request where a cheaper model names itself, with an alarm; but not where it was one of those asked for, or the same by another name", () => {
    const usage = ",\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}";
    const mini = PRICING.find("openai", "gpt-4o-mini")!.charge({ input_tokens: 1_000, output_tokens: 100 });
    const cheap = use(bodyWith(usage, "gpt-4o-mini"));
    expect(cheap).toMatchObject({ model: "gpt-4o-mini", alarms: ["unknown-model"] });
    expect(cheap.amounts.usd).toBe(priceOf(1_000, 100));
    expect(use(bodyWith(usage, "gpt-4o-mini"), { models: ["gpt-4o", "gpt-4o-mini"] })).toMatchObject({ alarms: [], amounts: { usd: mini } });
    const dated = contextFor({ ...GPT, model: "gpt-4o-2024-05-13" });
    expect(use(bodyWith(usage, "gpt-4o"), dated)).toMatchObject({ alarms: [], amounts: { usd: priceOf(1_000, 100) } });
    expect(dated.price!.charge({ input_tokens: 1_000, output_tokens: 100 }), "which cost more").toBeGreaterThan(priceOf(1_000, 100)!);
    const alias = { facts: { ...GPT, model: "mine", maxOutputTokens: 10_000 }, models: ["mine"], price: PRICING.find("openai", "gpt-4o") };
    expect(use(bodyWith(usage, "gpt-4o-2024-08-06"), alias).alarms).toEqual([]);
    const routed = { facts: { ...GPT, model: "openai/gpt-4o", maxOutputTokens: 10_000 }, provider: "openrouter", models: ["openai/gpt-4o"], price: PRICING.find("openrouter", "openai/gpt-4o") };
    expect(use(bodyWith(usage, "openai/gpt-4o-mini"), routed).alarms).toEqual([]);
  });

  test("is that of the request where the model that answered has none, with an alarm", () => {
    const result = use(bodyWith(",\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}", "nobody-knows"));
    expect(result).toMatchObject({ model: "nobody-knows", alarms: ["unknown-model"] });
    expect(result.amounts.usd).toBe(priceOf(1_000, 100));
  });

  test("is none where nobody pays for tokens, and the operator's own whatever answers", () => {
    const usage = ",\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":100}";
    expect(use(bodyWith(usage), { isFree: true, price: null })).toMatchObject({ alarms: [], reportedNanoUsd: null, amounts: { "tokens": 1_100n } });
    expect(use(bodyWith(usage), { isFree: true, price: null }).amounts).not.toHaveProperty("usd");
    const flat = PRICING.flat("openai", "gpt-4o", { inputPerMillion: 1, outputPerMillion: 2 });
    expect(use(bodyWith(usage, "gpt-4"), { price: flat, isFlatPrice: true }).amounts.usd).toBe(1_200_000n);
  });
});

test("a cost that the provider states is charged to the nano-dollar, not to the last digit of a double", () => {
  expect(Math.ceil(0.00001635 * 1e9), "what rounding up would make of it").toBe(16_351);
  const meter = openAnswerMeter(contextFor({ api: "openrouter-chat", provider: "openrouter", model: "openai/gpt-4o-mini", isStream: false }), 200, [["content-type", "application/json"]]);
  meter.push(Buffer.from(bodyWith(",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":10,\"cost\":0.00001635,\"is_byok\":false}")));
  meter.end();
  expect(meter.result("complete").amounts.usd).toBe(16_350n);
});

describe("an answer that did not come whole", () => {
  test("costs nothing where the provider refused", () => {
    for (const status of [301, 400, 402, 429, 500, 529]) expect(use("{\"error\":{}}", {}, { status })).toMatchObject({ amounts: {}, isEstimated: false, alarms: [] });
  });

  const ESTIMATED = { overReport: "ceiling", cutAnswers: "estimated", answerLimitBytes: 1 << 20, eventLimitBytes: 1 << 20 } as const;

  test("is charged all output that it may have had where it was to come in one piece", () => {
    for (const outcome of ["cut", "failed"] as const) {
      const result = use(bodyWith("").slice(0, 30), { limits: ESTIMATED }, { outcome });
      expect(result).toMatchObject({ tokens: { input: 500, output: 10_000 }, isEstimated: true, alarms: [] });
    }
  });

  test("is charged all that was held, in tokens and in money: the provider may have written on unheard", () => {
    for (const outcome of ["cut", "failed"] as const) {
      const result = use(bodyWith("").slice(0, 30), {}, { outcome });
      expect(result).toMatchObject({ tokens: { input: 100_000, output: 10_000 }, isEstimated: true, alarms: [] });
      expect(result.amounts.usd).toBe(contextFor(GPT).price!.worst(contextFor(GPT).bounds));
    }
    expect(streamed(chunk(SAID), "gpt-4o")).toMatchObject({ tokens: { input: 100_000, output: 10_000 }, isEstimated: true });
  });

  const chunk = (content: string) => `data: ${JSON.stringify({ id: "c", model: "gpt-4o", choices: [{ index: 0, delta: { content } }] })}\n\n`;
  const streamed = (text: string, model: string, more: More = {}) => {
    const meter = openAnswerMeter(contextFor({ ...GPT, model, isStream: true }, more), 200, EVENT_SOURCE);
    meter.push(Buffer.from(text));
    return meter.result("cut");
  };

  test("is charged what was seen and a tenth where the operator takes estimates of cut streams", () => {
    expect(streamed(chunk(SAID), "gpt-4o", { limits: ESTIMATED })).toMatchObject({ tokens: { input: 500, output: 11 }, isEstimated: true, alarms: [] });
  });

  test("is charged what was seen and a tenth where a whole stream says no usage, and all that was held where its model thinks unseen", () => {
    const whole = (model: string) => {
      const meter = openAnswerMeter(contextFor({ ...GPT, model, isStream: true }), 200, EVENT_SOURCE);
      meter.push(Buffer.from(`${chunk(SAID).replace("gpt-4o", model)}data: [DONE]\n\n`));
      return meter.result("complete");
    };
    expect(whole("gpt-4o")).toMatchObject({ tokens: { input: 500, output: 11 }, isEstimated: true, alarms: ["missing"] });
    expect(whole("gpt-5")).toMatchObject({ tokens: { input: 500, output: 10_000 }, isEstimated: true, alarms: ["missing"] });
  });

  test("is charged all steps that were held where nothing bounds the output, and what was held before the step that it did not get", () => {
    const stream = () => {
      const meter = openAnswerMeter(contextFor({ ...GPT, isStream: true }, { maxOutputTokens: null }), 200, EVENT_SOURCE);
      for (let sent = 0; sent < 4_000; sent += 100) {
        meter.push(Buffer.from(chunk("x".repeat(100))));
        expect(meter.step).not.toBeNull();
      }
      return meter;
    };
    expect(stream().result("cut").tokens.output).toBe(5_000);
    const refused = stream();
    refused.cut();
    expect(refused.result("cut").tokens.output).toBe(4_000);
  });

  test("is never charged more output than was allowed", () => {
    expect(streamed(chunk(SAID.repeat(100)), "gpt-4o", { maxOutputTokens: 50 }).tokens.output).toBe(50);
  });

  test("keeps what the provider has said of the input", () => {
    const meter = openAnswerMeter(contextFor({ api: "anthropic-messages", provider: "anthropic", model: "claude-sonnet-4-5", isStream: true }), 200, EVENT_SOURCE);
    meter.push(Buffer.from("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":7,\"cache_read_input_tokens\":1000,\"output_tokens\":1}}}\n\n"));
    meter.push(Buffer.from(`event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n`));
    meter.end();
    expect(meter.result("complete")).toMatchObject({ tokens: { input: 1_007, cacheRead: 1_000, output: 1 }, isEstimated: true, alarms: [] });
  });

  test("counts what passed unread as output", () => {
    const limits = { overReport: "ceiling", cutAnswers: "held", answerLimitBytes: 1_024, eventLimitBytes: 1_024 } as const;
    const result = use(bodyWith("").replace(SAID, "x".repeat(3_000)), { limits });
    expect(result).toMatchObject({ isEstimated: true, alarms: ["missing"] });
    expect(result.tokens.output).toBeGreaterThan(1_000);
    expect(use("\u0000\u0001 garbage".repeat(20))).toMatchObject({ isEstimated: true, alarms: ["missing"] });
  });
});

describe("searches that the provider made", () => {
  const RESPONSES = { api: "openai-responses", provider: "openai", model: "gpt-5", isStream: false } as const;
  const usage = { input_tokens: 300, input_tokens_details: { cached_tokens: 0 }, output_tokens: 20, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 320 };
  const bounds = { ...contextFor(RESPONSES).bounds, webSearches: 3, fileSearches: 3 };
  const message = { id: "m", type: "message", content: [{ type: "output_text", text: "hi" }] };
  const whole = (...types: readonly string[]) => ({ model: "gpt-5", output: [...types.map((type) => ({ type, id: type })), message], usage });

  const answered = (...types: readonly string[]) => {
    const meter = openAnswerMeter(contextFor(RESPONSES, { bounds }), 200, JSON_TYPE);
    meter.push(Buffer.from(JSON.stringify(whole(...types))));
    meter.end();
    return meter.result("complete");
  };
  const streamed = (...types: readonly string[]) => {
    const meter = openAnswerMeter(contextFor({ ...RESPONSES, isStream: true }, { bounds }), 200, EVENT_SOURCE);
    const items = types.flatMap((type, output_index) => ["added", "done"].map((when) => ({ type: `response.output_item.${when}`, output_index, item: { type, id: type } })));
    for (const event of [...items, { type: "response.completed", response: whole(...types) }]) meter.push(Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`));
    meter.end();
    return meter.result("complete");
  };
  const tokensUsd = priceOf(300, 20, contextFor(RESPONSES)) ?? 0n;

  test.each([["in one piece", answered], ["in a stream", streamed]])("are charged their fee though OpenAI's report leaves them out: %s", (_how, useOf) => {
    expect(useOf("web_search_call", "reasoning", "web_search_call").amounts.usd).toBe(tokensUsd + 20_000_000n);
    expect(useOf("file_search_call").amounts.usd).toBe(tokensUsd + 2_500_000n);
    expect(useOf("reasoning", "function_call").amounts.usd).toBe(tokensUsd);
  });

  test("are not charged beyond what was held for them", () => {
    const result = answered(...Array.from({ length: 9_000 }, () => "web_search_call"));
    expect(result).toMatchObject({ alarms: ["over-reported"], amounts: { usd: contextFor(RESPONSES).price?.worst({ ...bounds, output: 10_000 }) } });
  });
});
