import { describe, expect, test } from "vitest";
import { knownProvider } from "../../../../proxy/metering/providers.ts";

describe("a provider is known under each of its names", () => {
  test.each([
    ["us-east5-aiplatform.googleapis.com", "google", "vertex"],
    ["aiplatform.us.rep.googleapis.com", "google", "vertex"],
    ["bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "aws", "bedrock"],
    ["vpce-0a1.bedrock-runtime.us-east-1.vpce.amazonaws.com", "aws", "bedrock"],
    ["x.privatelink.openai.azure.com", "azure", "azure"],
    ["us-east-1.api.x.ai", "x-ai", "compatible"],
    ["api.business.githubcopilot.com", "github-copilot", "compatible"],
    ["chat.openai.com", "openai", "codex"],
  ])("%s is read", (host, id, paths) => {
    expect(knownProvider(host)).toEqual({ id, paths });
  });

  test.each([
    ["generativelanguage.mtls.googleapis.com", "google"],
    ["content-generativelanguage.googleapis.com", "google"],
    ["generativelanguage.clients6.google.com", "google"],
    ["aiplatform.mtls.googleapis.com", "google"],
    ["us-central1-aiplatform.mtls.googleapis.com", "google"],
    ["aiplatform.us.rep.mtls.googleapis.com", "google"],
    ["aiplatform-mine.p.googleapis.com", "google"],
    ["daily-cloudcode-pa.googleapis.com", "google"],
    ["autopush-cloudcode-pa.sandbox.googleapis.com", "google"],
    ["123.us-central1-456.prediction.vertexai.goog", "google"],
    ["bedrock.us-east-1.amazonaws.com", "aws"],
    ["bedrock-mantle.us-east-1.api.aws", "aws"],
    ["bedrock-agent-runtime-fips.us-east-1.amazonaws.com", "aws"],
    ["bedrock-runtime.eusc-de-east-1.amazonaws.eu", "aws"],
    ["bedrock-runtime.us-iso-east-1.c2s.ic.gov", "aws"],
    ["vpce-0a1.bedrock-mantle.us-east-1.vpce.amazonaws.com", "aws"],
    ["aws-external-anthropic.us-west-2.api.aws", "anthropic"],
    ["api-staging.anthropic.com", "anthropic"],
    ["eu.api.openai.com", "openai"],
    ["eastus.api.cognitive.microsoft.com", "azure"],
    ["mine.eastus2.models.ai.azure.com", "azure"],
    ["eu.openrouter.ai", "openrouter"],
    ["eu.api.groq.com", "groq"],
    ["audio-turbo.us-virginia-1.direct.fireworks.ai", "fireworks"],
    ["models.github.ai", "github"],
    ["models.inference.ai.azure.com", "azure"],
    ["api.deepinfra.com", "deepinfra"],
    ["router.huggingface.co", "huggingface"],
    ["ai-gateway.vercel.sh", "vercel"],
    ["dashscope-intl.aliyuncs.com", "alibaba"],
    ["ws-1.eu-central-1.maas.aliyuncs.com", "alibaba"],
    ["copilot-api.mine.ghe.com", "github-copilot"],
  ])("%s is theirs, though its calls are not read", (host, id) => {
    expect(knownProvider(host)).toEqual({ id, paths: "unmetered" });
  });

  test.each([
    "example.com", "com", "", "googleapis.com", "storage.googleapis.com", "my-aiplatform.storage.googleapis.com", "aiplatform-data.storage.googleapis.com", "bigquery.mtls.googleapis.com", "notaiplatform.googleapis.com",
    "s3.us-east-1.amazonaws.com", "bedrock.s3.us-east-1.amazonaws.com", "bedrock.us-east-1.amazonaws.com.example.com", "huggingface.co", "github.com", "api.github.com", "telemetry.individual.githubcopilot.com",
    "ab.chatgpt.com", "console.anthropic.com", "platform.claude.com", "api.openai.com.example.com", "notapi.deepinfra.com", "portal.azure.com", "constructor", "x.constructor",
  ])("%j sells no tokens", (host) => {
    expect(knownProvider(host)).toBeNull();
  });
});
