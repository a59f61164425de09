import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nanoUsd, Pricing, type PricingOptions, type Provider, type UsageBounds } from "../../../../proxy/metering/pricing.ts";
import { TestClock } from "../../../support/test-clock.ts";

const clock = new TestClock();
const open = (options: Partial<PricingOptions> = {}) => new Pricing({ overrides: [], fallback: null, nowMs: () => clock.nowMs(), ...options });
const TEXT: UsageBounds = { input: 0, output: 0, cacheWrites: "none", hasMedia: false, hasAudioOutput: false, webSearches: 0, fileSearches: 0 };

describe("prices are the table's, to the nano-dollar", () => {
  test("a charge is what the library says, rounded up", () => {
    const price = open().find("anthropic", "claude-opus-5");
    // $0.004725, of which doubles make a hair more.
    expect(price?.charge({ input_tokens: 1_000, cache_read_tokens: 200, cache_write_tokens: 300, output_tokens: 10 })).toBe(4_725_001n);
    expect(price?.charge({ input_tokens: 1, output_tokens: 0 })).toBe(5_000n);
    expect(nanoUsd(0.000_000_000_1)).toBe(1n);
  });

  test("usage that contradicts itself has no charge, and throws nothing", () => {
    const price = open().find("anthropic", "claude-opus-5");
    expect(price?.charge({ input_tokens: 10, cache_read_tokens: 11 })).toBeNull();
    expect(price?.charge({ input_tokens: -1 })).toBeNull();
    expect(price?.charge({ input_tokens: Number.NaN })).toBeNull();
    expect(price?.charge({ input_tokens: Number.POSITIVE_INFINITY })).toBeNull();
  });

  test("an unknown model, or provider, has no price; with a fallback it has that one", () => {
    expect(open().find("openai", "gpt-99")).toBeNull();
    expect(open().find("nobody", "gpt-5.5")).toBeNull();
    const fallback = open({ fallback: { inputPerMillion: 10, outputPerMillion: 50 } }).find("openai", "gpt-99");
    expect(fallback).toMatchObject({ isFallback: true, contextTokens: null });
    expect(fallback?.charge({ input_tokens: 100, output_tokens: 10 })).toBe(1_500_000n);
    expect(open({ fallback: { inputPerMillion: 10, outputPerMillion: 50 } }).find("openai", "gpt-5.5")?.isFallback).toBe(false);
  });

  test("the operator's price goes before the table's, for that model alone", () => {
    const overrides = [{ id: "openai", name: "OpenAI", api_pattern: "", models: [{ id: "mine", match: { equals: "gpt-5.5" }, prices: { input_mtok: 1, output_mtok: 2 } }] }];
    const pricing = open({ overrides });
    expect(pricing.find("openai", "gpt-5.5")?.charge({ input_tokens: 1_000_000, output_tokens: 1_000_000 })).toBe(3_000_000_000n);
    expect(pricing.find("openai", "gpt-5.5")?.provider.extractors).toBeDefined();
    expect(pricing.find("openai", "gpt-5.4")?.contextTokens).toBe(1_050_000);
  });

  test("a price of later holds from its day on", () => {
    const provider: Provider = { id: "p", name: "p", api_pattern: "", models: [{ id: "m", match: { equals: "m" }, prices: [{ prices: { input_mtok: 1, output_mtok: 1 } }, { constraint: { type: "start_date", start_date: "2026-03-01" }, prices: { input_mtok: 9, output_mtok: 9 } }] }] };
    const later = new TestClock();
    const pricing = new Pricing({ overrides: [provider], fallback: null, nowMs: () => later.nowMs() });
    const million = { ...TEXT, input: 1_000_000 };
    expect(pricing.find("p", "m")?.worst(million)).toBe(1_000_000_002n);
    later.advance(58.5 * 86_400_000);
    expect(pricing.find("p", "m")?.charge({ input_tokens: 1_000_000 })).toBe(1_000_000_000n);
    expect(pricing.find("p", "m")?.worst(million), "it begins within a day").toBe(9_000_000_002n);
    later.advance(86_400_000);
    expect(pricing.find("p", "m")?.charge({ input_tokens: 1_000_000 })).toBe(9_000_000_000n);
  });

  test("a price says what it leaves out", () => {
    expect(open().find("aws", "us.anthropic.claude-sonnet-5-v1:0")?.knowsHourWrites).toBe(false);
    expect(open().find("anthropic", "claude-opus-5")).toMatchObject({ knowsHourWrites: true, hasWebSearchPrice: true, hasOutputPrice: true, isByTokens: true });
    expect(open().find("openai", "text-embedding-3-small")?.hasOutputPrice).toBe(false);
    expect(open().find("mistral", "mistral-ocr-2505")?.isByTokens).toBe(false);
  });
});

describe("the worst case is never below the price of any usage within the bounds", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const bounds = fc.record({ input: fc.integer({ min: 0, max: 3_000_000 }), output: fc.integer({ min: 0, max: 200_000 }), webSearches: fc.integer({ min: 0, max: 50 }) });
  const usageWithin = ({ input, output, webSearches }: { readonly input: number; readonly output: number; readonly webSearches: number }, parts: readonly number[]) => {
    const part = (index: number, of: number) => Math.floor((parts[index] ?? 0) * of);
    const total = part(0, input);
    const read = part(1, total);
    const write = part(2, total - read);
    return {
      input_tokens: total, cache_read_tokens: read, cache_write_tokens: write, cache_write_1h_tokens: part(3, write), output_tokens: part(4, output), output_reasoning_tokens: part(5, part(4, output)),
      web_searches: part(6, webSearches),
    };
  };
  const shares = fc.array(fc.oneof(share, fc.constant(1)), { minLength: 7, maxLength: 7 });

  test("for models of the table, with their tiers and dates", () => {
    const models = fc.constantFrom(["anthropic", "claude-opus-5"], ["anthropic", "claude-sonnet-4-5"], ["openai", "gpt-5.5"], ["openai", "gpt-6-luna"], ["google", "gemini-3.1-pro-preview"], ["aws", "amazon.nova-pro-v1:0"], ["openrouter", "openai/gpt-5"], ["deepseek", "deepseek-chat"], ["x-ai", "grok-4-fast-reasoning"]);
    const pricing = open();
    fc.assert(fc.property(models, bounds, shares, ([provider, model], most, parts) => {
      const price = pricing.find(provider ?? "", model ?? "");
      const charge = price?.charge(usageWithin(most, parts));
      expect(charge).not.toBeNull();
      expect(price?.worst({ ...TEXT, ...most, cacheWrites: "1h" })).toBeGreaterThanOrEqual(charge ?? -1n);
    }), { numRuns: 2_000 });
  });

  test("for any prices, rising or falling with the tier", () => {
    const amount = fc.double({ min: 0, max: 500, noNaN: true });
    const rate = fc.oneof(amount, fc.record({ base: amount, tiers: fc.array(fc.record({ start: fc.integer({ min: 0, max: 3_000_000 }), price: amount }), { minLength: 1, maxLength: 3 }) }));
    const prices = fc.record({ input_mtok: rate, output_mtok: rate, cache_read_mtok: rate, cache_write_mtok: rate, cache_write_1h_mtok: rate, output_reasoning_mtok: rate, web_searches_kcount: amount });
    fc.assert(fc.property(prices, bounds, shares, (rates, most, parts) => {
      const provider: Provider = { id: "p", name: "p", api_pattern: "", models: [{ id: "m", match: { equals: "m" }, prices: rates }] };
      const price = open({ overrides: [provider] }).find("p", "m");
      expect(price?.worst({ ...TEXT, ...most, cacheWrites: "1h" })).toBeGreaterThanOrEqual(price?.charge(usageWithin(most, parts)) ?? 1n << 62n);
    }), { numRuns: 2_000 });
  });

  test("and never falls as output grows", () => {
    const price = open().find("openai", "gpt-5.5");
    fc.assert(fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 0, max: 1_000 }), (input, output, more) => {
      expect(price?.worst({ ...TEXT, input, output: output + more })).toBeGreaterThanOrEqual(price?.worst({ ...TEXT, input, output }) ?? 0n);
    }));
  });

  test("what is not text is held at the dearest of its rates, entries of an hour too", () => {
    const price = open().find("google", "gemini-3.1-flash-live-preview");
    const input = { ...TEXT, input: 1_000_000 };
    expect(price?.worst(input)).toBe(750_000_002n);
    expect(price?.worst({ ...input, hasMedia: true })).toBe(3_000_000_002n);
    const claude = open().find("anthropic", "claude-opus-5");
    expect([claude?.worst(input), claude?.worst({ ...input, cacheWrites: "5m" }), claude?.worst({ ...input, cacheWrites: "1h" })]).toEqual([5_000_000_002n, 6_250_000_002n, 10_000_000_002n]);
  });

  test("nothing costs nothing", () => {
    expect(open().flat("p", "m", { inputPerMillion: 0, outputPerMillion: 0 }).worst({ ...TEXT, input: 1_000, output: 1_000 })).toBe(0n);
  });
});
