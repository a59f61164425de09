import { describe, expect, test } from "vitest";
import { OPENROUTER, readModelRequest as read } from "../../../../support/model-requests.ts";

const RESPONSES = "https://openrouter.ai/api/v1/responses";
const MESSAGES = "https://openrouter.ai/api/v1/messages";
const chat = { model: "openai/gpt-5", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };
const responses = { model: "openai/gpt-5", input: "hello" };
const messages = { ...chat, model: "anthropic/claude-opus-4.5" };

describe("what lets OpenRouter choose who answers has no bound", () => {
  test.each<readonly [string, string, object]>([
    ["preset", OPENROUTER, { ...chat, preset: "mine" }],
    ["preset", RESPONSES, { ...responses, preset: "mine" }],
    ["preset", MESSAGES, { ...messages, preset: "mine" }],
    ["fallbacks", OPENROUTER, { ...chat, fallbacks: [{ model: "x" }] }],
    ["fallbacks", MESSAGES, { ...messages, fallbacks: [{ model: "x" }] }],
    ["speed", OPENROUTER, { ...chat, speed: "fast" }],
    ["model", OPENROUTER, { ...chat, model: "@preset/mine" }],
    ["model", OPENROUTER, { ...chat, model: "openai/gpt-5@preset/mine" }],
    ["model", OPENROUTER, { ...chat, models: ["openai/gpt-5-nano@preset/mine"] }],
    ["model", OPENROUTER, { ...chat, model: "openai/gpt-5:Nitro" }],
    ["model", OPENROUTER, { ...chat, model: "openai/gpt-5:fast" }],
    ["model", OPENROUTER, { ...chat, model: "openai/gpt-5:online:free" }],
  ])("%s at %s: %j", async (parameter, url, body) => {
    expect((await read(url, body)).unbounded).toMatchObject({ rule: "metering.unbounded", reason: expect.stringContaining(`\`${parameter}\``) });
  });

  test("a preset in another case is malformed", async () => {
    await expect(read(OPENROUTER, { ...chat, Preset: "mine" })).rejects.toMatchObject({ code: "request.malformed" });
  });

  test.each([{}, { model: "google/gemini-2.5-flash-preview:thinking" }, { preset: null }, { session_id: "s" }])("what chooses nothing is bounded: %j", async (fields) => {
    expect((await read(OPENROUTER, { ...chat, ...fields })).unbounded).toBeNull();
  });
});
