import { expect, test } from "vitest";
import { outputCeiling } from "../../../../proxy/metering/output-ceiling.ts";

test.each([
  ["gpt-4o-2024-11-20", 16_384], ["openai/gpt-4.1-mini", 32_768], ["gpt-5-pro", 272_000], ["gpt-5.5", 128_000], ["o3-mini", 100_000], ["openai/o1", 100_000],
  ["gemini-2.0-flash", 8_192], ["gemini-3.1-pro-preview", 65_536], ["us.anthropic.claude-opus-4-5-20251101-v1:0", 128_000], ["claude-3-haiku-20240307", 4_096],
])("%s writes at most %d tokens", (model, tokens) => {
  expect(outputCeiling(model)).toBe(tokens);
});

test.each(["gpt-6-sol", "mistral-large-latest", "foo1", "claude-opus-9"])("of %s nobody knows it", (model) => {
  expect(outputCeiling(model)).toBeNull();
});
