import { describe, expect, test } from "vitest";
import { Pricing } from "../../../../../proxy/metering/pricing.ts";
import { meteringConfig } from "../../../../../proxy/metering/config.ts";
import { readCall } from "../../../../../proxy/metering/read-call.ts";
import { recognise } from "../../../../../proxy/metering/recognise.ts";

const config = meteringConfig.parse({});
const pricing = new Pricing({ overrides: [], fallback: null, nowMs: () => 0 });

/** What policy is told of a request to one of the providers. */
async function toolsOf(url: string, body: object): Promise<readonly string[]> {
  const { host, pathname: path } = new URL(url);
  const found = recognise({ method: "POST", scheme: "https", host, port: 443, path, upgrade: null }, config);
  if (found.kind !== "call") throw new Error(`no call: ${found.kind}`);
  return (await readCall(found.call, { headers: [["content-type", "application/json"]], body: Buffer.from(JSON.stringify(body)), grants: [], take: () => {} }, pricing, config)).tools;
}

describe("policy is told of every tool that a request offers", () => {
  test.each([
    ["OpenAI, chat", "https://api.openai.com/v1/chat/completions", {
      model: "gpt-4o", messages: [{ role: "developer", tools: [{ type: "function", function: { name: "later" } }] }], functions: [{ name: "old" }], web_search_options: {},
      tools: [{ type: "function", function: { name: "read_file" } }, { type: "custom", custom: { name: "patch" } }, { type: "browser" }, { type: "function" }],
    }, ["web_search", "old", "read_file", "patch", "browser", "", "later"]],
    ["OpenAI, responses", "https://api.openai.com/v1/responses", {
      model: "gpt-4o", input: "x", tools: [{ type: "function", name: "read_file" }, { type: "web_search" }, { type: "mcp", server_label: "x" }, { type: "namespace", name: "files", tools: [{ type: "function", name: "list" }] }],
    }, ["read_file", "web_search", "mcp", "files", "list"]],
    ["Anthropic", "https://api.anthropic.com/v1/messages", {
      model: "claude-sonnet-4-5", max_tokens: 10, messages: [], mcp_servers: [{}],
      tools: [{ name: "read_file", input_schema: {} }, { type: "bash_20250124", name: "bash" }, { type: "web_search_20250305", name: "harmless" }],
    }, ["mcp_servers", "read_file", "bash", "web_search_20250305"]],
    ["Gemini", "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent", {
      contents: [], tools: [{ functionDeclarations: [{ name: "read_file" }, {}] }, { function_declarations: [{ name: "other" }] }, { googleSearch: {} }, { url_context: {} }],
    }, ["read_file", "", "other", "google_search", "url_context"]],
    ["Bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-pro-v1%3A0/converse", {
      messages: [], toolConfig: { tools: [{ toolSpec: { name: "read_file" } }, { systemTool: { name: "nova_grounding" } }] },
    }, ["read_file", "nova_grounding"]],
    ["OpenRouter", "https://openrouter.ai/api/v1/chat/completions", { model: "x/y", messages: [], plugins: [{ id: "web" }] }, ["plugin:web"]],
  ])("%s", async (_who, url, body, expected) => { expect(await toolsOf(url, body)).toEqual(expected); });

  test("none where none is offered", async () => {
    expect(await toolsOf("https://api.openai.com/v1/chat/completions", { model: "gpt-4o", messages: [] })).toEqual([]);
  });
});
