import { describe, expect, test } from "vitest";
import { ANTHROPIC, OPENAI_CHAT, OPENAI_RESPONSES, readModelRequest as read } from "../../../../support/model-requests.ts";

const XAI = "https://api.x.ai/v1/chat/completions";
const GROQ = "https://api.groq.com/openai/v1/chat/completions";
const chat = { model: "gpt-5.5", messages: [{ role: "user", content: "hello" }] };
const grok = { ...chat, model: "grok-4-fast-reasoning", max_completion_tokens: 100 };
const responses = { model: "gpt-5.5", input: "hello" };
const claude = { model: "claude-opus-5", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };

describe("what answers later, elsewhere, or more than once has no bound", () => {
  test.each<readonly [string, string, object]>([
    ["deferred", XAI, { ...grok, deferred: true }],
    ["search_parameters", XAI, { ...grok, search_parameters: { mode: "auto" } }],
    ["model", XAI, { ...grok, model: "grok-4.20-multi-agent" }],
    ["model", "https://api.x.ai/v1/responses", { ...responses, model: "grok-4.20-multi-agent" }],
    ["compound_custom", GROQ, { ...chat, model: "llama-3.3-70b-versatile", compound_custom: {} }],
    ["model", GROQ, { ...chat, model: "groq/compound" }],
    ["models", OPENAI_CHAT, { ...chat, models: ["gpt-5-pro"] }],
    ["fallbacks", OPENAI_CHAT, { ...chat, fallbacks: ["gpt-5-pro"] }],
    ["enable_search", OPENAI_CHAT, { ...chat, enable_search: true }],
    ["multi_agent", OPENAI_RESPONSES, { ...responses, multi_agent: { enabled: true } }],
    ["deferred", OPENAI_RESPONSES, { ...responses, deferred: true }],
    ["reasoning", OPENAI_RESPONSES, { ...responses, reasoning: { mode: "pro" } }],
    ["input", OPENAI_RESPONSES, { ...responses, input: [{ type: "compaction_trigger" }] }],
    ["fallbacks", ANTHROPIC, { ...claude, fallbacks: "default" }],
    ["compaction", ANTHROPIC, { ...claude, compaction: { type: "summarize" } }],
  ])("%s at %s", async (parameter, url, body) => {
    expect((await read(url, body)).unbounded).toMatchObject({ rule: "metering.unbounded", reason: expect.stringContaining(`\`${parameter}\``) });
  });

  test.each<readonly [string, object]>([
    [XAI, { ...grok, deferred: false }],
    [OPENAI_CHAT, { ...chat, enable_search: false, background: null }],
    [OPENAI_RESPONSES, { ...responses, background: false, reasoning: { effort: "high", mode: "standard" } }],
    [ANTHROPIC, { ...claude, fallbacks: null }],
  ])("what is switched off is bounded: %s", async (url, body) => {
    expect((await read(url, body)).unbounded).toBeNull();
  });

  test("a conversation that the provider keeps may fill the window", async () => {
    expect((await read(ANTHROPIC, { ...claude, thread: { type: "continue", previous_message_id: "m" } })).worstCase["input-tokens"]).toBe(1_000_000n);
  });
});
