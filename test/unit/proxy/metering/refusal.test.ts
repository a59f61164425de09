import { describe, expect, test } from "vitest";
import { EgressError, type ErrorCode } from "../../../../proxy/errors.ts";
import { meteringConfig } from "../../../../proxy/metering/config.ts";
import { refusalFor } from "../../../../proxy/metering/refusal.ts";
import { ANTHROPIC, BEDROCK, GEMINI, MISTRAL, modelHead, OPENAI_CHAT, OPENROUTER } from "../../../support/model-requests.ts";

const config = meteringConfig.parse({ hosts: [{ host: "gateway.internal", api: "anthropic-messages" }] });
const explanation = { rule: "team", reason: "The budget team is used up: $5.00 of $5.00.", hint: "Ask for more: weir budget topup team." };
const refuse = (url: string, code: ErrorCode = "budget.exhausted") => {
  const refusal = refusalFor(modelHead(url), { error: new EgressError(code, "detail of ours", { explanation }), requestId: "01REQUEST" }, config);
  return refusal === null ? null : { status: refusal.status, headers: Object.fromEntries(refusal.headers), body: JSON.parse(refusal.body.toString()) as unknown, text: refusal.body.toString() };
};
const own = { rule: "team", reason: explanation.reason, hint: explanation.hint, request_id: "01REQUEST" };

describe("a used-up budget is said as the provider says it, and is not asked again", () => {
  test.each<readonly [string, string, number, object]>([
    ["OpenAI", OPENAI_CHAT, 429, { error: { type: "insufficient_quota", code: "budget_exceeded", param: null, ...own } }],
    ["Azure", "https://x.openai.azure.com/openai/v1/responses", 429, { error: { type: "insufficient_quota", code: "budget_exceeded" } }],
    ["Anthropic", ANTHROPIC, 402, { type: "error", error: { type: "billing_error", ...own }, request_id: "01REQUEST" }],
    ["a gateway", "https://gateway.internal/v1/messages", 402, { type: "error", error: { type: "billing_error" } }],
    ["Gemini", GEMINI, 429, { error: { code: 429, status: "RESOURCE_EXHAUSTED", details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BUDGET_EXCEEDED", "metadata": own }, { violations: [{ quotaId: expect.stringContaining("PerDay") }] }] } }],
    ["Bedrock", `${BEDROCK}/converse`, 400, { ...own, code: "budget.exhausted" }],
    ["Mistral", MISTRAL, 402, { object: "error", type: "budget_exceeded", ...own }],
    ["OpenRouter", OPENROUTER, 402, { error: { code: 402, metadata: own } }],
  ])("%s", (_name, url, status, body) => {
    const refusal = refuse(url);
    expect(refusal).toMatchObject({ status, headers: { "content-type": "application/json", "x-should-retry": "false" }, body });
    expect(refusal?.text).toContain("$5.00 of $5.00");
    expect(refusal?.text).toContain("weir budget topup team");
    expect(refusal?.text).not.toContain("detail of ours");
  });

  test("Bedrock's SDKs read the kind in a header, and it is none that they take for throttling", () => {
    expect(refuse(`${BEDROCK}/converse`)?.headers).toMatchObject({ "x-amzn-errortype": "ServiceQuotaExceededException", "x-amzn-requestid": "01REQUEST" });
  });

  test("what cannot be counted is a matter of the budget too", () => {
    expect(refuse("https://api.openai.com/v1/batches", "budget.unmeasurable")).toMatchObject({ status: 429, body: { error: { type: "insufficient_quota" } } });
  });
});

describe("other ends have fitting kinds", () => {
  test.each<readonly [ErrorCode, string, number, string]>([
    ["policy.denied", OPENAI_CHAT, 403, "permission_error"], ["policy.denied", ANTHROPIC, 403, "permission_error"], ["policy.denied", GEMINI, 403, "PERMISSION_DENIED"],
    ["request.malformed", OPENAI_CHAT, 400, "invalid_request_error"], ["request.body-limit", ANTHROPIC, 413, "request_too_large"], ["budget.unavailable", OPENAI_CHAT, 503, "server_error"],
    ["approval.too-large", ANTHROPIC, 413, "request_too_large"], ["budget.unavailable", ANTHROPIC, 503, "api_error"], ["upstream.timeout", GEMINI, 504, "DEADLINE_EXCEEDED"],
  ])("%s at %s", (code, url, status, kind) => {
    const refusal = refuse(url, code);
    expect(refusal?.status).toBe(status);
    expect(refusal?.text).toContain(kind);
  });

  test("a failure may be tried again, a refusal may not", () => {
    expect(refuse(OPENAI_CHAT, "budget.unavailable")?.headers).not.toHaveProperty("x-should-retry");
    expect(refuse(OPENAI_CHAT, "policy.denied")?.headers).toMatchObject({ "x-should-retry": "false" });
  });

  test("of destinations that nobody knows, nothing is said", () => {
    expect(refuse("https://example.com/v1/chat/completions")).toBeNull();
  });
});
