import fc from "fast-check";
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
      model: "gpt-4o", input: "x", tools: [{ type: "function", name: "read_file" }, { type: "web_search" }, { type: "mcp", server_label: "x", server_url: "https://u:p@mcp.example.com/secret?t=1" }, { type: "namespace", name: "files", tools: [{ type: "function", name: "list" }] }],
    }, ["read_file", "web_search", "mcp", "mcp:mcp.example.com", "files", "list"]],
    ["Anthropic", "https://api.anthropic.com/v1/messages", {
      model: "claude-sonnet-4-5", max_tokens: 10, messages: [], mcp_servers: [{ type: "url", url: "https://mcp.example.com/sse", name: "x" }, {}], container: { skills: [{ type: "anthropic", skill_id: "pptx" }] },
      tools: [{ name: "read_file", input_schema: {} }, { type: "bash_20250124", name: "bash" }, { type: "web_search_20250305", name: "harmless" }],
    }, ["skill:pptx", "read_file", "bash", "web_search_20250305", "mcp_servers", "mcp:mcp.example.com", "mcp:"].toSorted()],
    ["Gemini", "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent", {
      contents: [], tools: [{ functionDeclarations: [{ name: "read_file" }, {}] }, { function_declarations: [{ name: "other" }] }, { googleSearch: {} }, { url_context: {} }, { codeExecution: {} },
        { mcpServers: [{ name: "x", streamableHttpTransport: { url: "https://mcp.example.com/" } }] },
      ],
    }, ["read_file", "", "other", "google_search", "url_context", "code_execution", "mcp_servers", "mcp:mcp.example.com"]],
    ["Bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com/model/amazon.nova-pro-v1%3A0/converse", {
      messages: [], toolConfig: { tools: [{ toolSpec: { name: "read_file" } }, { systemTool: { name: "nova_grounding" } }, { cachePoint: { type: "default" } }, { newTool: {} }] },
      additionalModelRequestFields: { tools: [{ type: "computer_20250124", name: "computer" }, { name: "shell" }] },
    }, ["read_file", "nova_grounding", "newTool", "computer", "shell"]],
    ["Bedrock, another vendor's body", "https://bedrock-runtime.us-east-1.amazonaws.com/model/openai.gpt-oss-120b-1%3A0/invoke", {
      messages: [], tools: [{ type: "function", function: { name: "read_file" } }, { name: "search" }, { type: "browser" }], toolConfig: { tools: [{ toolSpec: { name: "list" } }] },
    }, ["list", "read_file", "search", "browser"]],
    ["OpenRouter", "https://openrouter.ai/api/v1/chat/completions", { model: "x/y", messages: [], plugins: [{ id: "web" }] }, ["plugin:web"]],
    ["OpenRouter, a model that searches", "https://openrouter.ai/api/v1/chat/completions", { model: "x/y:online", messages: [] }, ["plugin:web"]],
  ])("%s", async (_who, url, body, expected) => { expect((await toolsOf(url, body)).toSorted()).toEqual(expected.toSorted()); });

  const CHAT = "https://api.groq.com/openai/v1/chat/completions";
  const RESPONSES = "https://api.openai.com/v1/responses";

  test.each([
    ["a type in another writing", CHAT, [{ type: "Function", function: { name: "shell" } }], ["Function", "shell"]],
    ["no type", CHAT, [{ name: "shell" }], ["shell"]],
    ["two names, of which a server takes either", RESPONSES, [{ type: "function", name: "shell", function: { name: "harmless" } }], ["shell", "harmless"]],
    ["a tool of the server's with a name", CHAT, [{ type: "builtin_function", function: { name: "$web_search" } }], ["builtin_function", "$web_search"]],
    ["a text, and nothing", CHAT, ["web_search", 7, null], ["web_search", "", ""]],
    ["skills of a shell", RESPONSES, [{ type: "shell", environment: { type: "container_auto", skills: [{ type: "skill_reference", skill_id: "s1" }] } }], ["shell", "skill:s1"]],
    ["a connector", RESPONSES, [{ type: "mcp", server_label: "x", connector_id: "connector_gmail" }], ["mcp", "mcp:connector_gmail"]],
  ])("of OpenAI's form: %s", async (_what, url, tools, expected) => {
    expect(await toolsOf(url, { model: "gpt-4o", messages: [], input: "x", tools })).toEqual(expected);
  });

  test.each([
    ["one of the agent's under another name", { type: "bash_20250124", name: "harmless" }, ["bash_20250124", "harmless"]],
    ["an unknown type", { type: "function", name: "shell" }, ["function", "shell"]],
    ["a dated type", { type: "code_execution_20991231", name: "harmless" }, ["code_execution_20991231"]],
    ["a text", "shell", ["shell"]],
  ])("of Anthropic's form: %s", async (_what, tool, expected) => {
    expect(await toolsOf("https://api.anthropic.com/v1/messages", { model: "claude-sonnet-4-5", max_tokens: 10, messages: [], tools: [tool] })).toEqual(expected);
  });

  test("no kind of tool is left out, whatever it is", async () => {
    const kind = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !["function", "custom", "namespace", "__proto__"].includes(text));
    await fc.assert(fc.asyncProperty(kind, fc.constantFrom(CHAT, RESPONSES), async (type, url) => {
      expect(await toolsOf(url, { model: "gpt-4o", messages: [], input: "x", tools: [{ type }] })).toContain(type);
    }), { numRuns: 50 });
  });

  test("none where none is offered", async () => {
    expect(await toolsOf("https://api.openai.com/v1/chat/completions", { model: "gpt-4o", messages: [] })).toEqual([]);
  });
});
