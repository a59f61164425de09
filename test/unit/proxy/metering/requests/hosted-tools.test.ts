import { describe, expect, test } from "vitest";
import { ANTHROPIC, BEDROCK, OPENAI_CHAT, OPENAI_RESPONSES, OPENROUTER, readModelRequest } from "../../../../support/model-requests.ts";

describe("a tool that the provider runs may bring a model of its own", () => {
  test("policy is asked about it as about the first", async () => {
    const tools = [{ type: "advisor_20260301", name: "advisor", model: "claude-opus-5" }];
    expect((await readModelRequest(ANTHROPIC, { model: "claude-haiku-4-5", max_tokens: 9, messages: [], tools })).models).toEqual(["claude-haiku-4-5", "claude-opus-5"]);
    expect((await readModelRequest(OPENAI_RESPONSES, { model: "gpt-5", input: "x", tools: [{ type: "image_generation", model: "gpt-image-1" }] })).models).toEqual(["gpt-5", "gpt-image-1"]);
    const subagent = { type: "openrouter:subagent", parameters: { model: "x/large" } };
    expect((await readModelRequest(OPENROUTER, { model: "x/small", messages: [], tools: [subagent] })).models).toEqual(["x/small", "x/large"]);
  });

  test("models that it says in another way are told to be unread", async () => {
    const called = await readModelRequest(OPENROUTER, { model: "x/small", messages: [], plugins: [{ id: "fusion", analysis_models: ["x/large"] }] });
    expect(called.unread).toEqual(["models"]);
  });

  test("what a function is described to take is no model", async () => {
    const tool = { type: "function", function: { name: "train", parameters: { properties: { model: { type: "string" } } } }, model: "x" };
    const called = await readModelRequest(OPENAI_CHAT, { model: "gpt-4o", messages: [], tools: [tool] });
    expect(called.models).toEqual(["gpt-4o"]);
    expect(called.unread).toEqual([]);
  });
});

describe("a name that stands for a model which nobody knows is told to be one", () => {
  const ARN = "arn:aws:bedrock:us-east-1:123456789012:";
  const at = (id: string) => `https://bedrock-runtime.us-east-1.amazonaws.com/model/${encodeURIComponent(id)}/converse`;

  test.each([
    ["a profile of one's own", `${ARN}application-inference-profile/abc123`, "abc123", ["model"]],
    ["bought throughput", `${ARN}provisioned-model/abc123`, "abc123", ["model"]],
    ["a router", `${ARN}default-prompt-router/anthropic.claude:1`, "anthropic.claude:1", ["model"]],
    ["a stored prompt", `${ARN}prompt/ABC:1`, `${ARN}prompt/ABC:1`, ["models", "tools", "model"]],
    ["a model by its name", "us.anthropic.claude-opus-5", "us.anthropic.claude-opus-5", []],
    ["a model by its ARN", "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-5", "anthropic.claude-opus-5", []],
    ["a profile of Amazon's", `${ARN}inference-profile/us.anthropic.claude-opus-5`, "us.anthropic.claude-opus-5", []],
  ])("of Bedrock: %s", async (_what, id, model, unread) => {
    const called = await readModelRequest(at(id), { messages: [] });
    expect({ model: called.models[0], unread: called.unread }).toEqual({ model, unread });
  });

  test("routers of OpenRouter are", async () => {
    expect((await readModelRequest(OPENROUTER, { model: "openrouter/auto", messages: [] })).unread).toEqual(["model"]);
    expect((await readModelRequest(OPENROUTER, { model: "x/auto", messages: [] })).unread).toEqual([]);
  });

  test("what goes to a model at Bedrock without being known may bring both", async () => {
    const read = async (extra: object) => (await readModelRequest(`${BEDROCK}/converse`, { messages: [], additionalModelRequestFields: extra })).unread;
    expect(await read({ fallback: "x" })).toEqual(["models", "tools"]);
    expect(await read({ thinking: { type: "enabled", budget_tokens: 1_024 }, top_k: 5, tools: [] })).toEqual([]);
  });

  test("routing of Vertex may bring models", async () => {
    const url = "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash:generateContent";
    const called = await readModelRequest(url, { contents: [], generationConfig: { routingConfig: { manualMode: { modelName: "gemini-2.5-pro" } } } });
    expect(called.unread).toEqual(["models"]);
    expect(called.unbounded).not.toBeNull();
  });
});
