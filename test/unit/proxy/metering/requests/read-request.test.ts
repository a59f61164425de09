import { describe, expect, test } from "vitest";
import type { MeteredCall } from "../../../../../proxy/model/metered-call.ts";
import { ANTHROPIC, BEDROCK, GEMINI, MISTRAL, OPENAI_CHAT, OPENAI_RESPONSES, OPENROUTER, readModelRequest as read } from "../../../../support/model-requests.ts";

const chat = { model: "gpt-5.5", messages: [{ role: "user", content: "hello" }] };
const responses = { model: "gpt-5.5", input: "hello" };
const claude = { model: "claude-opus-5", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };
const gemini = { contents: [{ parts: [{ text: "hello" }] }] };
const converse = { messages: [{ role: "user", content: [{ text: "hello" }] }] };
const NOVA = "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-pro-v1:0/invoke";

const inputOf = ({ worstCase }: MeteredCall) => Number(worstCase["input-tokens"]);

describe("what changes the price, or has no bound, is named", () => {
  test.each<readonly [string, string, object]>([
    ["service_tier", OPENAI_CHAT, { ...chat, service_tier: "priority" }],
    ["service_tier", "https://api.groq.com/openai/v1/chat/completions", { ...chat, model: "llama-3.3-70b-versatile", service_tier: "performance" }],
    ["web_search_options", OPENAI_CHAT, { ...chat, web_search_options: {} }],
    ["prediction", OPENAI_CHAT, { ...chat, prediction: { type: "content", content: "x" } }],
    ["model", OPENAI_CHAT, { ...chat, model: "gpt-4o-search-preview" }],
    ["tools", OPENAI_CHAT, { ...chat, tools: [{ type: "web_search" }] }],
    ["provider", OPENROUTER, { ...chat, model: "openai/gpt-5", provider: { sort: "throughput" } }],
    ["plugins", OPENROUTER, { ...chat, model: "openai/gpt-5", plugins: [{ id: "web" }] }],
    ["model", OPENROUTER, { ...chat, model: "openai/gpt-5:online" }],
    ["model", OPENROUTER, { ...chat, model: "openrouter/auto" }],
    ["prompt", OPENAI_RESPONSES, { ...responses, prompt: { id: "p" } }],
    ["background", OPENAI_RESPONSES, { ...responses, background: true }],
    ["tools", OPENAI_RESPONSES, { ...responses, tools: [{ type: "web_search" }] }],
    ["tools", OPENAI_RESPONSES, { ...responses, max_tool_calls: 1, tools: [{ type: "code_interpreter" }] }],
    ["tools", OPENAI_RESPONSES, { ...responses, max_tool_calls: 1, tools: [{ type: "image_generation" }] }],
    ["tools", OPENAI_RESPONSES, { ...responses, max_tool_calls: 1, tools: [{ type: "mcp" }] }],
    ["tools", OPENAI_RESPONSES, { ...responses, tools: [{ type: "tool_search" }] }],
    ["tools", OPENAI_RESPONSES, { ...responses, tools: [{ type: "tool_search", execution: "server" }] }],
    ["service_tier", ANTHROPIC, { ...claude, service_tier: "priority" }],
    ["speed", ANTHROPIC, { ...claude, speed: "fast" }],
    ["inference_geo", ANTHROPIC, { ...claude, inference_geo: "us" }],
    ["mcp_servers", ANTHROPIC, { ...claude, mcp_servers: [{ url: "https://x" }] }],
    ["context_management", ANTHROPIC, { ...claude, context_management: { edits: [{ type: "compact_20260112" }] } }],
    ["tools", ANTHROPIC, { ...claude, tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    ["tools", ANTHROPIC, { ...claude, tools: [{ type: "code_execution_20250825", name: "x" }] }],
    ["tools", GEMINI, { ...gemini, tools: [{ google_search: {} }] }],
    ["tools", GEMINI, { ...gemini, tools: [{ functionDeclarations: [], codeExecution: {} }] }],
    ["serviceTier", GEMINI, { ...gemini, service_tier: "SERVICE_TIER_PRIORITY" }],
    ["additionalModelRequestFields", `${BEDROCK}/converse`, { ...converse, additionalModelRequestFields: { max_tokens: 1_000_000 } }],
    ["performanceConfig", `${BEDROCK}/converse`, { ...converse, performanceConfig: { latency: "optimized" } }],
    ["guardrailConfig", `${BEDROCK}/converse`, { ...converse, guardrailConfig: { guardrailIdentifier: "g" } }],
    ["serviceTier", `${BEDROCK}/converse`, { ...converse, serviceTier: { type: "priority" } }],
    ["toolConfig", `${BEDROCK}/converse`, { ...converse, toolConfig: { tools: [{ systemTool: { name: "nova_grounding" } }] } }],
    ["tools", "https://api.x.ai/v1/responses", { ...responses, model: "grok-4-fast-reasoning", max_tool_calls: 1, tools: [{ type: "web_search" }] }],
    ["google", "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", { ...chat, model: "gemini-3.5-flash", google: { cached_content: "c" } }],
    ["speed", `${BEDROCK}/invoke`, { ...claude, anthropic_version: "x", speed: "fast" }],
  ])("%s at %s", async (parameter, url, body) => {
    const call = await read(url, body);
    expect(call.unbounded).toMatchObject({ rule: "metering.unbounded", reason: expect.stringContaining(`\`${parameter}\``), hint: expect.stringMatching(/./) });
    expect(call.worstCase).toEqual({});
    expect(call.clamp({ usd: 10n ** 15n }, 1)).toBeNull();
  });

  test.each<readonly [string, object]>([
    [OPENAI_CHAT, { ...chat, service_tier: "flex", tools: [{ type: "function", function: { name: "f" } }, { type: "custom", custom: {} }] }],
    [OPENAI_RESPONSES, { ...responses, background: false, service_tier: "auto", tools: [{ type: "function" }, { type: "custom" }, { type: "local_shell" }, { type: "apply_patch" }] }],
    [OPENAI_RESPONSES, { ...responses, tools: [{ type: "tool_search", execution: "client" }] }],
    [ANTHROPIC, { ...claude, service_tier: "standard_only", speed: "standard", tools: [{ name: "f", input_schema: {} }, { type: "custom", name: "g" }, { type: "bash_20250124", name: "bash" }], context_management: { edits: [{ type: "clear_tool_uses_20250919" }] } }],
    [GEMINI, { ...gemini, tools: [{ function_declarations: [] }] }],
    [`${BEDROCK}/converse`, { ...converse, additionalModelRequestFields: { thinking: { type: "enabled", budget_tokens: 1_024 } }, toolConfig: { tools: [{ toolSpec: {} }] } }],
    [MISTRAL, { ...chat, model: "mistral-large-latest" }],
  ])("what the agent itself runs is bounded: %s", async (url, body) => {
    expect((await read(url, body)).unbounded).toBeNull();
  });
});

describe("a body says the same to everybody", () => {
  test.each(["application/json", "application/json; charset=utf-8", "APPLICATION/JSON;charset=UTF-8", "application/vnd.api+json", "text/json"])("as %s", async (type) => {
    expect((await read(OPENAI_CHAT, chat, { headers: [["content-type", type]] })).facts.model).toBe("gpt-5.5");
  });

  test.each(["application/json; charset=utf-7", "application/json; charset=utf-16", "application/x-protobuf", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""])("not as %j", async (type) => {
    await expect(read(OPENAI_CHAT, chat, { headers: [["content-type", type]] })).rejects.toMatchObject({ code: "request.malformed" });
    await expect(read(OPENAI_CHAT, chat, { headers: [["content-type", "application/json"], ["content-type", type]] })).rejects.toMatchObject({ code: "request.malformed" });
  });
});

describe("the models that may answer", () => {
  const naming = (count: number) => ({ models: Array.from({ length: count }, (_, index) => `openai/gpt-${index}`), messages: [] });
  test("are 32 at most: each is looked up in the price table", async () => {
    await expect(read(OPENROUTER, naming(32))).resolves.toBeDefined();
    await expect(read(OPENROUTER, naming(33))).rejects.toMatchObject({ code: "request.malformed", message: expect.stringContaining("more than 32 models") });
  });
});

describe("searches that the provider makes are bounded where the request bounds them", () => {
  test("Anthropic's by max_uses: each use asks the model once more, with all before it, and has a fee", async () => {
    const call = await read(ANTHROPIC, { ...claude, tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 3 }] });
    expect(call.worstCase["input-tokens"]).toBe(4_000_000n);
    expect(call.worstCase["output-tokens"]).toBe(400n);
    expect(call.worstCase.usd).toBe(20_000_000_000n + 10_000_000n + 30_000_000n + 2n);
  });

  test("OpenAI's by max_tool_calls", async () => {
    const call = await read(OPENAI_RESPONSES, { ...responses, max_output_tokens: 100, max_tool_calls: 2, tools: [{ type: "file_search", vector_store_ids: ["v"] }] });
    expect(call.unbounded).toBeNull();
    expect(call.worstCase["output-tokens"]).toBe(300n);
    expect(call.worstCase["input-tokens"]).toBe(3_000_000n);
  });
});

describe("images count what their provider counts at most, not their letters", () => {
  const data = "A".repeat(400_000);
  test.each<readonly [string, string, object, number]>([
    ["OpenAI chat", OPENAI_CHAT, { ...chat, messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: `data:image/png;base64,${data}`, detail: "high" } }] }] }, 4_000],
    ["OpenAI responses", OPENAI_RESPONSES, { ...responses, input: [{ role: "user", content: [{ type: "input_image", image_url: `data:image/png;base64,${data}` }] }] }, 12_000],
    ["a tool's output", OPENAI_RESPONSES, { ...responses, input: [{ type: "function_call_output", call_id: "c", output: [{ type: "input_image", image_url: `data:image/png;base64,${data}` }] }] }, 12_000],
    ["Anthropic", ANTHROPIC, { ...claude, messages: [{ role: "user", content: [{ type: "tool_result", content: [{ type: "image", source: { type: "base64", media_type: "image/png", data } }] }] }] }, 5_000],
    ["another's models at Anthropic's API", "https://api.z.ai/api/anthropic/v1/messages", { ...claude, model: "glm-5", messages: [{ role: "user", content: [{ type: "image", source: { type: "base64", media_type: "image/png", data } }] }] }, 16_000],
    ["Gemini", GEMINI, { contents: [{ parts: [{ inline_data: { mime_type: "image/png", data } }] }] }, 6_000],
    ["Bedrock", `${BEDROCK}/converse`, { messages: [{ role: "user", content: [{ image: { format: "png", source: { bytes: data } } }] }] }, 6_000],
  ])("%s", async (_name, url, body, ceiling) => {
    const input = inputOf(await read(url, body));
    expect(input).toBeGreaterThanOrEqual(ceiling);
    expect(input).toBeLessThan(ceiling + 2_000);
  });

  test("what only looks like an image is text", async () => {
    const disguised = { type: "image", source: { type: "base64", media_type: "image/png", data } };
    expect(inputOf(await read(ANTHROPIC, { ...claude, messages: [{ role: "assistant", content: [{ type: "tool_use", id: "t", name: "n", input: disguised }] }] }))).toBeGreaterThan(400_000);
    expect(inputOf(await read(OPENAI_CHAT, { ...chat, messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: `data:text/plain,${data}` } }] }] }))).toBeGreaterThan(400_000);
  });

  test.each<readonly [string, string, object]>([
    ["a PDF", ANTHROPIC, { ...claude, messages: [{ role: "user", content: [{ type: "document", source: { type: "base64", media_type: "application/pdf", data: "QQ==" } }] }] }],
    ["a file", ANTHROPIC, { ...claude, messages: [{ role: "user", content: [{ type: "image", source: { type: "file", file_id: "f" } }] }] }],
    ["sound", GEMINI, { contents: [{ parts: [{ inlineData: { mimeType: "audio/mp3", data: "QQ==" } }] }] }],
    ["a file of Google's", GEMINI, { contents: [{ parts: { fileData: { fileUri: "x" } } }] }],
    ["a cached prompt", GEMINI, { ...gemini, cachedContent: "c" }],
    ["a document", `${BEDROCK}/converse`, { messages: [{ role: "user", content: [{ document: { source: { bytes: "QQ==" } } }] }] }],
    ["what nobody knows yet", ANTHROPIC, { ...claude, messages: [{ role: "user", content: [{ type: "hologram" }] }] }],
  ])("%s may fill the window", async (_name, url, body) => {
    expect(inputOf(await read(url, body))).toBe(1_000_000);
  });
});

describe("the facts", () => {
  test("of OpenRouter name all models that may answer, at the dearest price", async () => {
    const one = await read(OPENROUTER, { ...chat, model: "openai/gpt-5-nano", max_tokens: 1_000 });
    const two = await read(OPENROUTER, { ...chat, model: "openai/gpt-5-nano", models: ["anthropic/claude-opus-4.5"], max_tokens: 1_000 });
    expect(two.facts.model).toBe("openai/gpt-5-nano");
    expect(two.worstCase.usd).toBeGreaterThan(5n * (one.worstCase.usd ?? 0n));
    expect((await read(OPENROUTER, { ...chat, model: "openai/gpt-5-nano", models: ["nobody/knows"] })).unbounded).not.toBeNull();
  });

  test("of OpenRouter's other APIs too", async () => {
    const url = "https://openrouter.ai/api/v1/messages";
    expect((await read(url, { ...claude, model: "anthropic/claude-opus-4.5" })).unbounded).toBeNull();
    expect((await read(url, { ...claude, model: "anthropic/claude-opus-4.5", provider: {} })).unbounded?.reason).toContain("provider");
    expect((await read(url, { ...claude, model: "anthropic/claude-opus-4.5", models: ["nobody/knows"] })).unbounded).not.toBeNull();
  });

  test("of a deployment are the path's, whatever the body says", async () => {
    const call = await read("https://x.openai.azure.com/openai/deployments/gpt-5.5/chat/completions", { ...chat, model: "gpt-5-nano" });
    expect(call.facts).toMatchObject({ provider: "azure", model: "gpt-5.5" });
  });

  test("a limit that a provider may not heed is none", async () => {
    const grok = await read("https://api.x.ai/v1/chat/completions", { ...chat, model: "grok-4-fast-reasoning", max_tokens: 50 });
    expect(grok.facts.maxOutputTokens).toBeNull();
    expect(JSON.parse(grok.clamp({ "output-tokens": 60n }, 1)?.body?.toString() ?? "")).toMatchObject({ max_tokens: 60, max_completion_tokens: 60 });
    expect((await read("https://api.deepseek.com/chat/completions", { ...chat, model: "deepseek-chat", max_completion_tokens: 50 })).facts.maxOutputTokens).toBeNull();
    expect((await read("https://api.deepseek.com/chat/completions", { ...chat, model: "deepseek-chat", max_tokens: 50 })).facts.maxOutputTokens).toBe(50);
  });

  test("of Gemini are all candidates' together, in either writing", async () => {
    expect((await read(GEMINI, { ...gemini, generation_config: { max_output_tokens: 100, candidate_count: 3 } })).facts.maxOutputTokens).toBe(300);
    const call = (await read(GEMINI, { ...gemini, generation_config: { max_output_tokens: 100 } })).clamp({ "output-tokens": 60n }, 1);
    expect(JSON.parse(call?.body?.toString() ?? "")).toEqual({ ...gemini, generation_config: { max_output_tokens: 60 } });
  });

  test("of Bedrock's other models have their own limits", async () => {
    const nova = { messages: [{ role: "user", content: [{ text: "x" }] }], inferenceConfig: { maxTokens: 70 } };
    expect((await read(NOVA, nova)).facts).toMatchObject({ provider: "aws", maxOutputTokens: 70, isStream: false });
    expect((await read(`${NOVA}-with-response-stream`, nova)).facts.isStream).toBe(true);
    expect((await read(NOVA, { messages: [{ role: "user", content: [{ video: { source: {} } }] }] })).worstCase["input-tokens"]).toBe(300_000n);
  });

  test("of embeddings have no output, and no window ends their input", async () => {
    const call = await read("https://api.openai.com/v1/embeddings", { model: "text-embedding-3-small", input: ["x".repeat(500_000)] });
    expect(call.worstCase).toMatchObject({ "output-tokens": 0n });
    expect(inputOf(call)).toBeGreaterThan(500_000);
    expect(call.unbounded).toBeNull();
    expect(call.clamp(call.worstCase, 1)).toBe(call);
    expect(call.clamp({ usd: 1n }, 1)).toBeNull();
  });

  test("a larger window that is asked for counts", async () => {
    const sonnet = { ...claude, model: "claude-sonnet-4-5", messages: [{ role: "user", content: "x".repeat(700_000) }] };
    expect(inputOf(await read(ANTHROPIC, sonnet))).toBe(200_000);
    expect(inputOf(await read(ANTHROPIC, sonnet, { headers: [["anthropic-beta", "a,context-1m-2025-08-07"]] }))).toBeGreaterThan(700_000);
  });
});
