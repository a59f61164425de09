import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meteringConfig } from "../../../../proxy/metering/config.ts";
import { recognise } from "../../../../proxy/metering/recognise.ts";
import { ANTHROPIC, GEMINI, modelHead, OPENAI_CHAT } from "../../../support/model-requests.ts";

const config = meteringConfig.parse({ hosts: [{ host: "gateway.internal", api: "openai-chat", price: "free" }, { host: "vertex.internal", port: 8443, api: "gemini-generate", provider: "google" }] });
const kindOf = (url: string, options: Parameters<typeof modelHead>[1] = {}) => recognise(modelHead(url, options), config).kind;
const callOf = (url: string) => {
  const found = recognise(modelHead(url), config);
  return found.kind === "call" ? [found.call.api, found.call.provider, found.call.model, found.call.isStream] : found.kind;
};

describe("a call of a model is known by host and path", () => {
  test.each([
    [OPENAI_CHAT, "openai-chat", "openai", null, null],
    ["https://api.openai.com/v1/responses", "openai-responses", "openai", null, null],
    ["https://api.openai.com/v1/embeddings", "openai-embeddings", "openai", null, null],
    ["https://chatgpt.com/backend-api/codex/responses", "openai-responses", "openai", null, null],
    ["https://x.openai.azure.com/openai/deployments/prod-4o/chat/completions", "openai-chat", "azure", "prod-4o", null],
    ["https://x.openai.azure.com/openai/v1/responses", "openai-responses", "azure", null, null],
    ["https://x.services.ai.azure.com/anthropic/v1/messages", "anthropic-messages", "azure", null, null],
    ["https://x.cognitiveservices.azure.com/models/chat/completions", "openai-chat", "azure", null, null],
    [ANTHROPIC, "anthropic-messages", "anthropic", null, null],
    [GEMINI, "gemini-generate", "google", "gemini-3.5-flash", false],
    ["https://generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent", "gemini-generate", "google", "g", true],
    ["https://generativelanguage.googleapis.com/v1beta/models/g%3AgenerateContent", "gemini-generate", "google", "g", false],
    ["https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "openai-chat", "google", null, null],
    ["https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/g:generateContent", "gemini-generate", "google", "g", false],
    ["https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-5:streamRawPredict", "anthropic-messages", "google", "claude-opus-5", null],
    ["https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.nova-pro-v1:0/converse", "bedrock-converse", "aws", "amazon.nova-pro-v1:0", false],
    ["https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b/invoke-with-response-stream", "bedrock-invoke", "aws", "a.b", true],
    ["https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu%3A1%3Ainference-profile%2Feu.anthropic.claude-opus-5/converse-stream", "bedrock-converse", "aws", "eu.anthropic.claude-opus-5", true],
    ["https://api.mistral.ai/v1/chat/completions", "mistral-chat", "mistral", null, null],
    ["https://openrouter.ai/api/v1/chat/completions", "openrouter-chat", "openrouter", null, null],
    ["https://api.x.ai/v1/chat/completions", "openai-chat", "x-ai", null, null],
    ["https://api.groq.com/openai/v1/chat/completions", "openai-chat", "groq", null, null],
    ["https://api.deepseek.com/chat/completions", "openai-chat", "deepseek", null, null],
    ["https://gateway.internal/any/prefix/v1/chat/completions", "openai-chat", "custom", null, null],
    ["https://gateway.internal/v1/messages", "anthropic-messages", "custom", null, null],
    ["https://vertex.internal:8443/models/g:generateContent", "gemini-generate", "google", "g", false],
  ])("%s is %s of %s", (url, ...expected) => {
    expect(callOf(url)).toEqual(expected);
  });
});

describe("what costs nothing passes, what nobody can count does not", () => {
  test.each([
    "https://api.anthropic.com/v1/messages/count_tokens", "https://api.openai.com/v1/responses/input_tokens", "https://api.openai.com/v1/files", "https://api.openai.com/v1/conversations/c",
    "https://generativelanguage.googleapis.com/v1beta/models/g:countTokens", "https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b/count-tokens",
    "https://api.anthropic.com/api/event_logging/batch",
  ])("POST %s is free", (url) => { expect(kindOf(url)).toBe("free"); });

  test.each(["https://api.openai.com/v1/models", "https://api.openai.com/v1/batches/b1", "https://api.anthropic.com/v1/models", "https://gateway.internal/v1/models"])("GET %s is free", (url) => {
    expect(kindOf(url, { method: "GET" })).toBe("free");
  });

  test.each([
    "https://api.openai.com/v1/batches", "https://api.openai.com/v1/conversations", "https://api.openai.com/v1/conversations/c/items", "https://api.openai.com/v1/images/generations", "https://api.openai.com/v1/audio/speech", "https://api.openai.com/v1/completions",
    "https://api.openai.com/v1/fine_tuning/jobs", "https://eu.api.openai.com/v1/chat/completions", "https://api.anthropic.com/v1/messages/batches",
    "https://generativelanguage.googleapis.com/v1beta/models/g:batchGenerateContent", "https://generativelanguage.googleapis.com/v1beta/cachedContents",
    "https://bedrock-agent-runtime.eu-west-1.amazonaws.com/agents/a/text", "https://cloudcode-pa.googleapis.com/v1internal:generateContent", "https://chatgpt.com/backend-api/conversation",
  ])("POST %s is unmetered", (url) => { expect(kindOf(url)).toBe("unmetered"); });

  test("a WebSocket to a provider is unmetered, and so is a call's path with another method", () => {
    expect(kindOf("https://api.openai.com/v1/responses", { method: "GET", upgrade: "websocket" })).toBe("unmetered");
    for (const method of ["GET", "PUT", "PATCH"]) expect(kindOf(OPENAI_CHAT, { method })).toBe("unmetered");
    expect(kindOf(GEMINI, { method: "GET" })).toBe("unmetered");
  });

  test("hosts of nobody who sells tokens are other", () => {
    for (const host of ["example.com", "storage.googleapis.com", "s3.eu-west-1.amazonaws.com", "api.openai.com.example.com", "notopenai.azure.com.example.com"]) expect(kindOf(`https://${host}/v1/chat/completions`)).toBe("other");
  });
});

describe("no spelling leads past the meters", () => {
  test.each(["/V1/chat/completions", "/v1/Chat/completions", "/v1/chat/completions/", "/v1//chat/completions", "/v1/./chat/completions", "/v1/chat%2Fcompletions", "/v1/chat/completions%00", "/v1/chat/completions;x", "/v1/chat\\completions", "/v1/%FF"])("%s of a provider is unmetered", (path) => {
    expect(recognise({ ...modelHead(OPENAI_CHAT), path }, config).kind).toBe("unmetered");
  });

  test("an escaped letter is the letter", () => {
    expect(recognise({ ...modelHead(OPENAI_CHAT), path: "/v1/%63hat/completions" }, config).kind).toBe("call");
  });

  test("case and a last dot of a host change nothing", () => {
    for (const host of ["API.OpenAI.com", "api.openai.com."]) expect(recognise({ ...modelHead(OPENAI_CHAT), host }, config).kind).toBe("call");
  });

  test("no path of a provider is ever other", () => {
    const host = fc.constantFrom("api.openai.com", "api.anthropic.com", "x.openai.azure.com", "openrouter.ai", "api.mistral.ai", "bedrock-runtime.us-east-1.amazonaws.com", "generativelanguage.googleapis.com", "gateway.internal");
    fc.assert(fc.property(host, fc.array(fc.oneof(fc.constantFrom("v1", "chat", "completions", "..", "", "%2e", "messages", "models"), fc.string())), fc.constantFrom("GET", "POST", "PUT"), (name, parts, method) => {
      expect(recognise({ ...modelHead(`https://${name}/`, { method }), path: `/${parts.join("/")}` }, config).kind).not.toBe("other");
    }));
  });
});
