import { describe, expect, test } from "vitest";
import type { HeaderList } from "../../../../../proxy/model/request.ts";
import { BEDROCK, readModelRequest as read } from "../../../../support/model-requests.ts";

const VERTEX = "https://aiplatform.googleapis.com/v1/projects/p/locations/global";
const AZURE = "https://x.openai.azure.com/openai/deployments/gpt-5.5/chat/completions";
const chat = { model: "google/gemini-2.5-flash", messages: [{ role: "user", content: "hello" }] };
const claude = { anthropic_version: "x", max_tokens: 100, messages: chat.messages };
const converse = { messages: [{ role: "user", content: [{ text: "hello" }] }] };
const gemini = { contents: [{ parts: [{ text: "hello" }] }] };

describe("a header that changes the price counts beside each API of its provider", () => {
  test.each<readonly [string, object, HeaderList]>([
    [`${VERTEX}/publishers/google/models/gemini-2.5-flash:generateContent`, gemini, [["x-vertex-ai-llm-shared-request-type", "priority"]]],
    [`${VERTEX}/publishers/anthropic/models/claude-opus-5:rawPredict`, claude, [["x-vertex-ai-llm-request-type", "dedicated"]]],
    [`${VERTEX}/endpoints/openapi/chat/completions`, chat, [["x-vertex-ai-llm-shared-request-type", "priority"]]],
    [`${BEDROCK}/invoke`, claude, [["x-amzn-bedrock-service-tier", "priority"]]],
    [`${BEDROCK}/converse`, converse, [["x-amzn-bedrock-service-tier", "priority"]]],
    [`${BEDROCK}/converse`, converse, [["x-amzn-bedrock-performanceconfig-latency", "optimized"]]],
    [`${BEDROCK}/invoke`, claude, [["x-amzn-bedrock-guardrailidentifier", "g"]]],
    [AZURE, chat, [["x-ms-spillover-deployment", "dearer"]]],
  ])("%s %j %j", async (url, body, headers) => {
    expect((await read(url, body, { headers })).unbounded).toMatchObject({ rule: "metering.unbounded", reason: expect.stringContaining(`\`${headers[0]?.[0]}\``) });
  });

  test.each<readonly [string, object, HeaderList]>([
    [`${VERTEX}/publishers/google/models/gemini-2.5-flash:generateContent`, gemini, [["x-vertex-ai-llm-request-type", "shared"]]],
    [`${BEDROCK}/invoke`, claude, [["x-amzn-bedrock-service-tier", "flex"], ["x-amzn-bedrock-performanceconfig-latency", "standard"]]],
    [AZURE, chat, [["x-ms-client-request-id", "r"]]],
  ])("and the listed price is no other: %s", async (url, body, headers) => {
    expect((await read(url, body, { headers })).unbounded).toBeNull();
  });
});
