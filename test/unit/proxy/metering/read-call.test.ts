import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ANTHROPIC, BEDROCK, OPENAI_CHAT, OPENAI_RESPONSES, readModelRequest as read } from "../../../support/model-requests.ts";

const messages = [{ role: "user", content: "hello" }];
const claude = { model: "claude-opus-5", max_tokens: 100, messages };

describe("who pays", () => {
  const usd = async (...request: Parameters<typeof read>) => (await read(...request)).worstCase.usd;

  test("an API key costs money, a plan costs tokens only", async () => {
    expect(await usd(ANTHROPIC, claude, { headers: [["x-api-key", "sk-ant-api03-x"]] })).toBeGreaterThan(0n);
    const plan = await read(ANTHROPIC, claude, { headers: [["authorization", "Bearer sk-ant-oat01-x"]] });
    expect(plan.worstCase).toMatchObject({ "usd": 0n, "output-tokens": 100n });
    expect(plan.unbounded).toBeNull();
  });

  test("a plan's key beside another one, or beside a lent one, is no plan", async () => {
    expect(await usd(ANTHROPIC, claude, { headers: [["authorization", "Bearer sk-ant-oat01-x"], ["x-api-key", "sk-ant-api03-x"]] })).toBeGreaterThan(0n);
    expect(await usd(ANTHROPIC, claude, { headers: [["authorization", "Bearer sk-ant-oat01-x"]], grants: ["anthropic-key"] })).toBeGreaterThan(0n);
  });

  test("grants are plans if the operator says so, all of them", async () => {
    const config = { subscriptions: ["max-plan"] };
    expect(await usd(ANTHROPIC, claude, { grants: ["max-plan"], config })).toBe(0n);
    expect(await usd(ANTHROPIC, claude, { grants: ["max-plan", "key"], config })).toBeGreaterThan(0n);
  });

  test("ChatGPT's own server is a plan's", async () => {
    expect(await usd("https://chatgpt.com/backend-api/codex/responses", { model: "gpt-5.5", input: "x" })).toBe(0n);
  });

  test("a plan's call that nobody can bound in tokens is bounded in money: it has no price", async () => {
    const call = await read("https://chatgpt.com/backend-api/codex/responses", { model: "gpt-5.5", input: "x", tools: [{ type: "web_search" }] });
    expect(call.unbounded).toMatchObject({ rule: "metering.unbounded" });
    expect(call.worstCase).toEqual({ usd: 0n });
  });

  test("a host of one's own costs what is declared, or nothing", async () => {
    const host = { host: "llm.internal", api: "openai-chat", provider: "custom", injectUsage: true } as const;
    const url = "https://llm.internal/v1/chat/completions";
    const body = { model: "llama", messages, max_tokens: 1_000 };
    expect(await usd(url, body, { config: { hosts: [{ ...host, price: "free" }] } })).toBe(0n);
    expect(await usd(url, body, { config: { hosts: [{ ...host, price: { inputPerMillion: 0, outputPerMillion: 3 } }] } })).toBe(3_000_002n);
    expect((await read(url, body, { config: { hosts: [host] } })).unbounded).toMatchObject({ rule: "metering.price" });
  });
});

describe("what has no price", () => {
  test("an unknown model is unbounded in money, not in tokens", async () => {
    const call = await read(OPENAI_CHAT, { model: "gpt-99", messages, max_tokens: 50 });
    expect(call.unbounded).toMatchObject({ rule: "metering.price", reason: expect.stringContaining("gpt-99") });
    expect(call.worstCase).toMatchObject({ "output-tokens": 50n });
    expect(call.worstCase).not.toHaveProperty("usd");
    expect(call.clamp({ usd: 10n ** 12n }, 1)).toBeNull();
    expect(call.clamp({ "output-tokens": 20n }, 1)?.facts.maxOutputTokens).toBe(20);
  });

  test("a fallback price bounds it, and an alias names its model", async () => {
    expect((await read(OPENAI_CHAT, { model: "gpt-99", messages, max_tokens: 50 }, { config: { fallbackPrice: { inputPerMillion: 100, outputPerMillion: 100 } } })).unbounded).toBeNull();
    const deployment = await read("https://x.openai.azure.com/openai/deployments/prod/chat/completions", { messages, max_tokens: 50 }, { config: { aliases: { prod: "gpt-5.5" } } });
    expect(deployment.unbounded).toBeNull();
    expect(deployment.facts.model).toBe("prod");
  });

  test("entries of an hour where the table knows none", async () => {
    const content = [{ text: "x" }, { cachePoint: { type: "default", ttl: "1h" } }];
    const url = BEDROCK.replace("opus-5", "sonnet-5-v1:0");
    expect((await read(`${url}/converse`, { messages: [{ role: "user", content }] })).unbounded?.reason).toContain("ttl");
    expect((await read(`${url}/converse`, { messages: [{ role: "user", content: [{ text: "x" }] }] })).unbounded).toBeNull();
  });
});

describe("the bound of input", () => {
  const inputOf = async (body: object, config = {}) => Number((await read(OPENAI_RESPONSES, { model: "gpt-5.4", ...body }, { config })).worstCase["input-tokens"]);

  test("is a token for each byte, however it is written", async () => {
    expect(await inputOf({ input: "x".repeat(100_000) })).toBeGreaterThan(100_000);
    expect(await inputOf({ input: "é".repeat(50_000) })).toBeGreaterThan(100_000);
    expect(await inputOf({ input: "x".repeat(100_000) }, { inputBytesPerToken: 2 })).toBeLessThan(51_000);
  });

  test("ends at the model's context window", async () => {
    expect(await inputOf({ input: "x".repeat(2_000_000) })).toBe(1_050_000);
  });

  test("is the whole window for what is elsewhere", async () => {
    for (const body of [{ previous_response_id: "r" }, { conversation: "c" }, { input: [{ type: "item_reference", id: "i" }] }, { input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] }]) expect(await inputOf(body)).toBe(1_050_000);
    expect(await inputOf({ input: [{ role: "user", content: [{ type: "input_text", text: "t" }] }] })).toBeLessThan(2_000);
  });

  test("is the configured window where the table knows none", async () => {
    const call = await read(OPENAI_RESPONSES, { model: "gpt-99", previous_response_id: "r" }, { config: { unknownContextTokens: 123_456 } });
    expect(call.worstCase["input-tokens"]).toBe(123_456n);
  });
});

describe("a coded body", () => {
  test("is read, and leaves as it was read", async () => {
    const text = JSON.stringify(claude);
    const call = await read(ANTHROPIC, gzipSync(text), { headers: [["content-encoding", "gzip"]] });
    expect(call.facts.maxOutputTokens).toBe(100);
    expect(call.body?.toString()).toBe(text);
  });
});

describe("a body that two readers could understand in two ways is malformed", () => {
  test.each([
    `{"model":"claude-haiku-4-5","model":"claude-opus-5","max_tokens":1,"messages":[]}`, `{"model":"claude-opus-5","max_tokens":1,"max_tokens":90000,"messages":[]}`,
    `{"model":"claude-opus-5","Model":"claude-haiku-4-5","max_tokens":1,"messages":[]}`, `{"model":"claude-opus-5","max_tokens":"1","messages":[]}`, `{"model":7,"max_tokens":1}`, `{"max_tokens":1}`,
    `{"model":"claude-opus-5","max_tokens":1e309}`, `{"model":"claude-opus-5","max_tokens":-1}`, `{"model":"claude-opus-5","stream":"true"}`, `{"model":"a b"}`, `[]`, `"x"`, ``, `{"model":"claude-opus-5"`,
  ])("%s", async (text) => {
    await expect(read(ANTHROPIC, text)).rejects.toMatchObject({ code: "request.malformed" });
  });
});
