import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MeteringConfig } from "../../../../proxy/metering/config.ts";
import type { MeteredCall } from "../../../../proxy/model/metered-call.ts";
import { Pricing } from "../../../../proxy/metering/pricing.ts";
import { ANTHROPIC, BEDROCK, GEMINI, MISTRAL, OPENAI_CHAT, OPENAI_RESPONSES, OPENROUTER, readModelRequest as read } from "../../../support/model-requests.ts";

const messages = [{ role: "user", content: "hello" }];
const sent = (call: MeteredCall | null) => (call?.body === null || call === null ? null : JSON.parse(call.body.toString()) as unknown);

/** One request of each API that has a limit of output: where it stands, and how it is read back. */
const APIS: readonly (readonly [name: string, url: string, body: (limit: number | null) => object])[] = [
  ["openai-chat", OPENAI_CHAT, (limit) => ({ model: "gpt-5.5", messages, ...(limit !== null && { max_completion_tokens: limit }) })],
  ["openai-responses", OPENAI_RESPONSES, (limit) => ({ model: "gpt-5.5", input: "hello", ...(limit !== null && { max_output_tokens: limit }) })],
  ["anthropic", ANTHROPIC, (limit) => ({ model: "claude-opus-5", messages, ...(limit !== null && { max_tokens: limit }) })],
  ["gemini", GEMINI, (limit) => ({ contents: [{ parts: [{ text: "hello" }] }], ...(limit !== null && { generationConfig: { temperature: 0.5, maxOutputTokens: limit } }) })],
  ["bedrock-converse", `${BEDROCK}/converse`, (limit) => ({ messages: [{ role: "user", content: [{ text: "hello" }] }], ...(limit !== null && { inferenceConfig: { maxTokens: limit } }) })],
  ["bedrock-invoke", `${BEDROCK}/invoke`, (limit) => ({ anthropic_version: "bedrock-2023-05-31", messages, ...(limit !== null && { max_tokens: limit }) })],
  ["mistral", MISTRAL, (limit) => ({ model: "mistral-large-latest", messages, ...(limit !== null && { max_tokens: limit }) })],
  ["openrouter", OPENROUTER, (limit) => ({ model: "openai/gpt-5", messages, ...(limit !== null && { max_tokens: limit }) })],
];

describe.each(APIS)("%s", (_name, url, body) => {
  test("as it asks for little, it is held at that and sent as it is", async () => {
    const call = await read(url, body(2_000));
    expect(call.unbounded).toBeNull();
    expect(call.facts.maxOutputTokens).toBe(2_000);
    expect(call.worstCase["output-tokens"]).toBe(2_000n);
    expect(call.worstCase.tokens).toBe((call.worstCase["input-tokens"] ?? 0n) + 2_000n);
    expect(call.body).toBeNull();
    expect(call.clamp(call.worstCase, 1)).toBe(call);
  });

  test("without a limit, and in one piece, all that the model may write is held", async () => {
    const call = await read(url, body(null), { config: { stepTokens: 500, unknownOutputTokens: 130_000 } });
    expect(call.facts.maxOutputTokens).toBeNull();
    expect([65_536n, 128_000n, 130_000n]).toContain(call.worstCase["output-tokens"]);
  });

  test("limited to what is left, it fits, and one token more would not", async () => {
    const whole = await read(url, body(60_000));
    const input = (await read(url, body(0))).worstCase.usd ?? 0n;
    const most = whole.worstCase.usd ?? 0n;
    await fc.assert(fc.asyncProperty(fc.bigInt({ min: input, max: most - 1n }), async (usd) => {
      const clamped = whole.clamp({ usd }, 1);
      if (clamped === null) return;
      const tokens = clamped.facts.maxOutputTokens ?? 0;
      expect(clamped.worstCase.usd).toBeLessThanOrEqual(usd);
      const cost = (clamped.worstCase.usd ?? 0n) - input;
      const each = (most - input) / 60_000n;
      expect(cost + each + 3n, "one more").toBeGreaterThan(usd - input);
      // The clamped body is longer or shorter by digits at most: read again, it is the same call.
      const again = await read(url, clamped.body ?? "");
      expect(again.facts.maxOutputTokens).toBe(tokens);
    }), { numRuns: 50 });
  });

  test("nothing left, or not the least: no call", async () => {
    const call = await read(url, body(2_000));
    expect(call.clamp({ usd: 0n }, 1)).toBeNull();
    expect(call.clamp({ "output-tokens": 99n }, 100)).toBeNull();
    expect(call.clamp({ "input-tokens": 1n }, 1)).toBeNull();
    expect(call.clamp({ "output-tokens": 100n }, 100)?.facts.maxOutputTokens).toBe(100);
  });

  test("a limit of policy is put in where there is none", async () => {
    const call = (await read(url, body(null))).clamp({ "output-tokens": 1_234n }, 1);
    expect(call?.facts.maxOutputTokens).toBe(1_234);
    expect(JSON.stringify(sent(call))).toContain("1234");
  });
});

describe("a request that limits its output nowhere", () => {
  const chat = { model: "gpt-4o", messages };

  test("is held by a first step if it streams: the stream can be cut", async () => {
    expect((await read(OPENAI_CHAT, { ...chat, stream: true }, { config: { stepTokens: 500 } })).worstCase["output-tokens"]).toBe(500n);
    const silent = GEMINI.replace("generate", "streamGenerate").replace(/gemini-[^:]+/, "gemini-2.0-flash");
    expect((await read(silent, { contents: [] }, { config: { stepTokens: 500 } })).worstCase["output-tokens"]).toBe(500n);
  });

  test("is held whole if it streams from a model whose thoughts are billed and not shown", async () => {
    const call = await read(OPENAI_CHAT, { ...chat, model: "gpt-5.5", stream: true }, { config: { stepTokens: 500 } });
    expect([call.worstCase["output-tokens"], call.facts.maxOutputTokens]).toEqual([128_000n, null]);
    expect(call.watch(200, [["content-type", "text/event-stream"]]).step).toBeNull();
    const clamped = call.clamp({ "output-tokens": 9_000n }, 1);
    expect([clamped?.worstCase["output-tokens"], clamped?.facts.maxOutputTokens]).toEqual([9_000n, 9_000]);
  });

  test("is held at what its model writes at most if it does not, for each choice", async () => {
    expect((await read(OPENAI_CHAT, chat)).worstCase["output-tokens"]).toBe(16_384n);
    expect((await read(OPENAI_CHAT, { ...chat, n: 3 })).worstCase["output-tokens"]).toBe(49_152n);
    expect((await read(OPENAI_CHAT, { ...chat, model: "gpt-99" }, { config: { unknownOutputTokens: 7_000 } })).worstCase["output-tokens"]).toBe(7_000n);
  });

  test("is never given a limit that its model refuses", async () => {
    const limited = (await read(OPENAI_CHAT, chat)).clamp({ usd: 10n ** 12n }, 1);
    expect(sent(limited)).toMatchObject({ max_completion_tokens: 16_384 });
    const unknown = await read(OPENAI_CHAT, { ...chat, model: "gpt-99" });
    expect(unknown.clamp({ tokens: 1_000_000n }, 1)?.facts.maxOutputTokens).toBe(4_096);
    expect(unknown.clamp({ "output-tokens": 9_000n }, 1)?.facts.maxOutputTokens, "unless policy says it").toBe(9_000);
  });
});

describe("an answer that reports more than was held or less than was sent", () => {
  const chat = { model: "gpt-4o", messages, max_tokens: 100 };
  const reported = async (url: string, input: number, config: Partial<MeteringConfig> = {}, body: object = chat) => {
    const hosts = [{ host: "llm.internal", api: "openai-chat", provider: "openai", injectUsage: true }] as const;
    const call = await read(url, body, { config: { hosts: [...hosts], ...config } });
    const meter = call.watch(200, [["content-type", "application/json"]]);
    meter.push(Buffer.from(JSON.stringify({ model: "gpt-4o", choices: [], usage: { prompt_tokens: input, completion_tokens: 1e12 } })));
    meter.end();
    return { ...meter.result("complete"), held: Number(call.worstCase["input-tokens"]) };
  };
  const DECLARED = "https://llm.internal/v1/chat/completions";

  test("more is charged at a provider we know, up to what the model can do, and no more than was held by a declared host", async () => {
    expect(await reported(OPENAI_CHAT, 880_000)).toMatchObject({ tokens: { input: 880_000, output: 131_072 }, alarms: ["over-reported"] });
    expect(await reported(OPENAI_CHAT, 1e12)).toMatchObject({ tokens: { input: 2_000_000 }, alarms: ["over-reported"] });
    const declared = await reported(DECLARED, 880_000);
    expect(declared).toMatchObject({ tokens: { input: declared.held, output: 100 }, alarms: ["over-reported"] });
  });

  test("more is charged as the operator says, whoever answers", async () => {
    expect((await reported(DECLARED, 880_000, { overReport: "believable" })).tokens.input).toBe(880_000);
    const ceiling = await reported(OPENAI_CHAT, 880_000, { overReport: "ceiling" });
    expect(ceiling.tokens).toMatchObject({ input: ceiling.held, output: 100 });
    expect((await reported(OPENAI_CHAT, 1e12, { overReport: "reported" })).tokens).toMatchObject({ input: 1e12, output: 1e12 });
  });

  test("less is charged as what was sent, by whatever host", async () => {
    for (const url of [OPENAI_CHAT, DECLARED]) {
      const long = await reported(url, 1, {}, { ...chat, messages: [{ role: "user", content: "lorem ipsum ".repeat(50_000) }] });
      expect(long.alarms, url).toContain("under-reported");
      expect(long.tokens.input, url).toBeGreaterThan(100_000);
    }
  });

  test("more may have been written by each of the choices, by a model that writes and reads more than most", async () => {
    expect((await reported(OPENAI_CHAT, 1, {}, { ...chat, n: 3 })).tokens.output).toBe(3 * 131_072);
    expect((await reported(OPENAI_CHAT, 1e12, { unknownContextTokens: 5_000, unknownOutputTokens: 5_000 }, { ...chat, model: "gpt-5-pro" })).tokens).toMatchObject({ input: 400_000, output: 272_000 });
  });
});

describe("what is rewritten", () => {
  test("is the one number: every other byte stays", async () => {
    const text = `{ "messages" : [ {"role":"user","content":"\\u00e9 max_tokens"} ],\n "max_tokens" :  9000 , "seed":12345678901234567890, "model":"claude-opus-5", "stop_sequences":[] }`;
    const call = (await read(ANTHROPIC, text)).clamp({ "output-tokens": 300n }, 1);
    expect(call?.body?.toString()).toBe(text.replace("9000", "300"));
  });

  test("are both limits where a request has two", async () => {
    const call = await read(OPENAI_CHAT, { model: "gpt-5.5", messages, max_tokens: 100, max_completion_tokens: 5_000 });
    expect(call.facts.maxOutputTokens).toBe(5_000);
    expect(sent(call.clamp({ "output-tokens": 300n }, 1))).toMatchObject({ max_tokens: 300, max_completion_tokens: 300 });
  });

  test("is the limit of each choice: they share what is left", async () => {
    const call = await read(OPENAI_CHAT, { model: "gpt-5.5", messages, n: 4, max_completion_tokens: 1_000 });
    expect(call.worstCase["output-tokens"]).toBe(4_000n);
    const clamped = call.clamp({ "output-tokens": 1_002n }, 1);
    expect(clamped?.facts.maxOutputTokens).toBe(1_000);
    expect(sent(clamped)).toMatchObject({ n: 4, max_completion_tokens: 250 });
  });

  test("is the budget of thinking too, which must stay below; too little for it is nothing", async () => {
    const call = await read(ANTHROPIC, { model: "claude-opus-5", messages, max_tokens: 20_000, thinking: { type: "enabled", budget_tokens: 10_000 } });
    expect(sent(call.clamp({ "output-tokens": 5_000n }, 1))).toMatchObject({ max_tokens: 5_000, thinking: { type: "enabled", budget_tokens: 4_999 } });
    expect(sent(call.clamp({ "output-tokens": 15_000n }, 1))).toMatchObject({ max_tokens: 15_000, thinking: { budget_tokens: 10_000 } });
    expect(call.clamp({ "output-tokens": 1_024n }, 1)).toBeNull();
  });

  test("is nothing at a server that takes no limit", async () => {
    const call = await read("https://chatgpt.com/backend-api/codex/responses", { model: "gpt-5.5", input: "hello" });
    expect(call.clamp({ "output-tokens": 1_000n }, 1)).toBeNull();
  });
});

describe("usage is asked for where a stream would not tell it", () => {
  test.each([
    ["nothing is said", { }, { include_usage: true }],
    ["the option is empty", { stream_options: {} }, { include_usage: true }],
    ["it says no", { stream_options: { include_usage: false, include_obfuscation: false } }, { include_usage: true, include_obfuscation: false }],
    ["it is null", { stream_options: null }, { include_usage: true }],
  ])("%s", async (_what, options, expected) => {
    expect(sent(await read(OPENAI_CHAT, { model: "gpt-5.5", messages, stream: true, ...options }))).toMatchObject({ stream: true, stream_options: expected });
  });

  test("not where the agent asks, no stream is wanted, or the API says it anyway", async () => {
    expect((await read(OPENAI_CHAT, { model: "gpt-5.5", messages, stream: true, stream_options: { include_usage: true } })).body).toBeNull();
    expect((await read(OPENAI_CHAT, { model: "gpt-5.5", messages })).body).toBeNull();
    expect((await read(MISTRAL, { model: "mistral-large-latest", messages, stream: true })).body).toBeNull();
    expect((await read(OPENAI_RESPONSES, { model: "gpt-5.5", input: "x", stream: true })).body).toBeNull();
  });

  test("by OpenRouter's own option, and only there", async () => {
    expect(sent(await read(OPENROUTER, { model: "openai/gpt-5", messages, stream: true }))).toMatchObject({ usage: { include: true } });
    expect(sent(await read(OPENAI_CHAT, { model: "gpt-5.5", messages, stream: true }))).not.toHaveProperty("usage");
  });

  test("it stays beside a lower limit", async () => {
    const call = (await read(OPENAI_CHAT, { model: "gpt-5.5", messages, stream: true, max_completion_tokens: 900 })).clamp({ "output-tokens": 300n }, 1);
    expect(sent(call)).toMatchObject({ stream_options: { include_usage: true }, max_completion_tokens: 300 });
  });
});

describe("watch", () => {
  test("gives the answer's reader what the request came to", async () => {
    const call = await read(ANTHROPIC, { model: "claude-opus-5", messages, max_tokens: 100 });
    expect(call.watch(200, [["content-type", "application/json"]]).result("failed").model).toBe("claude-opus-5");
  });
});

describe("tools that the provider runs as often as the model likes", () => {
  const codex = { model: "gpt-5-codex", input: "hello", stream: true, tools: [{ type: "function", name: "shell" }, { type: "web_search", external_web_access: false }] };
  const claude = { model: "claude-opus-5", max_tokens: 2_000, messages, tools: [{ type: "web_search_20250305", name: "web_search" }] };
  const WINDOW = 400_000n;

  test("make a call that nobody can bound, until it gets a limit; nothing else changes", async () => {
    const text = `{ "input":"hello", "tools" : [ {"type":"web_search"} ], "seed":12345678901234567890, "model":"gpt-5-codex"}`;
    const asked = await read(OPENAI_RESPONSES, text);
    expect([asked.unbounded?.rule, asked.body, asked.clamp({ usd: 10n ** 15n }, 1)]).toEqual(["metering.unbounded", null, null]);
    const bounded = asked.bounded();
    expect(bounded.unbounded).toBeNull();
    expect(bounded.body?.toString()).toBe(text.replace("{ ", `{"max_tool_calls":4, `));
    expect(bounded.worstCase["input-tokens"]).toBe(5n * WINDOW);
    expect(bounded.bounded()).toBe(bounded);
  });

  test("keep the limit that the agent gives them", async () => {
    const call = await read(OPENAI_RESPONSES, { ...codex, max_tool_calls: 9 });
    expect([call.bounded() === call, call.body, call.worstCase["input-tokens"]]).toEqual([true, null, 10n * WINDOW]);
  });

  test("are refused where the operator wants that, and where the server takes no limit", async () => {
    expect((await read(OPENAI_RESPONSES, codex, { config: { toolCalls: 0 } })).bounded().unbounded?.rule).toBe("metering.unbounded");
    const plan = (await read("https://chatgpt.com/backend-api/codex/responses", codex)).bounded();
    expect([plan.unbounded?.hint, plan.body]).toEqual([expect.stringContaining("disabled"), null]);
    expect((await read("https://api.x.ai/v1/responses", { ...codex, model: "grok-4-fast-reasoning" })).bounded().unbounded).not.toBeNull();
  });

  test("are run less often where less is left, before the answer gets shorter", async () => {
    const call = (await read(OPENAI_RESPONSES, { ...codex, max_output_tokens: 1_000 })).bounded();
    const left = (windows: bigint, output: bigint) => sent(call.clamp({ "input-tokens": windows * WINDOW, "output-tokens": output }, 100));
    expect(left(4n, 5_000n)).toMatchObject({ max_tool_calls: 3, max_output_tokens: 1_000 });
    expect(left(9n, 3_000n)).toMatchObject({ max_tool_calls: 2, max_output_tokens: 1_000 });
    expect(left(9n, 900n)).toMatchObject({ max_tool_calls: 1, max_output_tokens: 450 });
    expect(left(2n, 5_000n)).toMatchObject({ max_tool_calls: 1, max_output_tokens: 1_000 });
    expect(left(1n, 5_000n), "not even one fits").toBeNull();
    expect(left(9n, 199n), "the least output does not fit").toBeNull();
  });

  test("are run less often by a second limit too, and never more often", async () => {
    const once = (await read(ANTHROPIC, claude)).bounded().clamp({ "input-tokens": 3_000_000n }, 1);
    expect(sent(once)).toMatchObject({ tools: [{ max_uses: 2 }] });
    expect(sent(once?.clamp({ "input-tokens": 2_000_000n }, 1) ?? null)).toMatchObject({ tools: [{ max_uses: 1 }] });
    expect(once?.clamp({ "input-tokens": 9_000_000n }, 1)).toBe(once);
  });

  test("never come to more than their worst case", async () => {
    const pricing = new Pricing({ overrides: [], fallback: null, nowMs: () => Date.UTC(2026, 6, 1) });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 8 }), share, share, share, async (toolCalls, input, output, cached) => {
      for (const [provider, url, body, window] of [["openai", OPENAI_RESPONSES, { ...codex, max_output_tokens: 2_000 }, WINDOW], ["anthropic", ANTHROPIC, claude, 1_000_000n]] as const) {
        const { worstCase } = (await read(url, body, { config: { toolCalls } })).bounded();
        const rounds = toolCalls + 1;
        const tokens = Math.floor(input * rounds * Number(window));
        const usage = { input_tokens: tokens, cache_read_tokens: Math.floor(tokens * cached), output_tokens: Math.floor(output * rounds * 2_000), web_searches: toolCalls };
        expect(pricing.find(provider, body.model)?.charge(usage)).toBeLessThanOrEqual(worstCase.usd ?? 0n);
      }
    }), { numRuns: 60 });
  });
});
