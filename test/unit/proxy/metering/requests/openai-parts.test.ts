import { describe, expect, test } from "vitest";
import { ANTHROPIC, BEDROCK, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, readModelRequest as read } from "../../../../support/model-requests.ts";

const chat = (part: object) => ({ model: "gpt-5.5", messages: [{ role: "user", content: [part] }] });
const responses = (part: object) => ({ model: "gpt-5.5", input: [{ role: "user", content: [part] }] });
const claude = (part: object) => ({ model: "claude-opus-5", max_tokens: 100, messages: [{ role: "user", content: [part] }] });
const gemini = (part: object) => ({ contents: [{ parts: [part] }] });
const converse = (part: object) => ({ messages: [{ role: "user", content: [part] }] });
const file = { image_url: "https://x/y.png" };

describe("a part of a content says one thing, to readers that take any case too", () => {
  test.each<readonly [string, string, object]>([
    ["OpenAI chat, two types", OPENAI_CHAT, chat({ type: "text", Type: "image_url", ...file })],
    ["OpenAI chat, another case", OPENAI_CHAT, chat({ Type: "text", text: "x" })],
    ["OpenAI chat, two images", OPENAI_CHAT, chat({ type: "image_url", image_url: { url: "https://x/y.png", URL: "https://x/z.png" } })],
    ["OpenAI chat, a number", OPENAI_CHAT, chat({ type: 1 })],
    ["OpenAI responses", OPENAI_RESPONSES, responses({ type: "input_text", TYPE: "input_file" })],
    ["a screenshot", OPENAI_RESPONSES, { model: "gpt-5.5", input: [{ type: "computer_call_output", output: { type: "computer_screenshot", Type: "text", ...file } }] }],
    ["Anthropic", ANTHROPIC, claude({ type: "text", Type: "document" })],
    ["Anthropic, a result", ANTHROPIC, claude({ type: "tool_result", Content: [{ type: "document" }] })],
    ["Anthropic, a source", ANTHROPIC, claude({ type: "document", source: { type: "text", Type: "url", data: "x" } })],
    ["Bedrock, a result", `${BEDROCK}/converse`, converse({ toolResult: { Content: [{ document: {} }] } })],
    ["Bedrock, a source", `${BEDROCK}/converse`, converse({ image: { source: { bytes: "QQ==", Bytes: "QUE=" } } })],
    ["Gemini, two writings", GEMINI, gemini({ inlineData: { mimeType: "image/png", mime_type: "audio/mp3", data: "QQ==" } })],
    ["Gemini, two parts in one", GEMINI, gemini({ inlineData: { mimeType: "image/png", data: "QQ==" }, inline_data: { mimeType: "audio/mp3", data: "QQ==" } })],
  ])("%s", async (_name, url, body) => {
    await expect(read(url, body)).rejects.toMatchObject({ code: "request.malformed" });
  });

  test.each<readonly [string, string, object]>([
    ["OpenAI chat", OPENAI_CHAT, chat({ type: "text", text: "x", Extra: { Type: 1 } })],
    ["Anthropic", ANTHROPIC, claude({ type: "tool_use", id: "t", name: "n", input: { Type: "a", type: "b" } })],
    ["Bedrock", `${BEDROCK}/converse`, converse({ toolResult: { content: [{ json: { Content: 1, content: 2 } }] } })],
    ["Gemini", GEMINI, gemini({ function_response: { name: "f", response: { Parts: 1, parts: 2 } } })],
  ])("and what means nothing here may be anything: %s", async (_name, url, body) => {
    expect((await read(url, body)).unbounded).toBeNull();
  });

  test("a guarded image counts as one that nobody has seen", async () => {
    const call = await read(`${BEDROCK}/converse`, converse({ guardContent: { image: { format: "png", source: { bytes: "QQ==" } } } }));
    expect(call.worstCase["input-tokens"]).toBe(1_000_000n);
    const text = await read(`${BEDROCK}/converse`, converse({ guardContent: { text: { text: "x" } } }));
    expect(text.worstCase["input-tokens"]).toBeLessThan(2_000n);
  });
});
