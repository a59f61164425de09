import { expect, test } from "vitest";
import { parsePrices } from "../../../../proxy/metering/prices-file.ts";
import { Pricing } from "../../../../proxy/metering/pricing.ts";

const FILE = [{
  id: "openai", models: [{
    id: "mine", match: { or: [{ equals: "mine" }, { regex: "^mine-\\d+$" }] }, context_window: 128_000,
    prices: [{ prices: { input_mtok: 1, output_mtok: 2 } }, { constraint: { start_date: "2026-01-01" }, prices: { input_mtok: { base: 2, tiers: [{ start: 100_000, price: 4 }] }, output_mtok: 8 } }],
  }],
}];

test("a file of the price library's form is read, and its prices hold", () => {
  const overrides = parsePrices("prices.json", JSON.stringify(FILE));
  const price = new Pricing({ overrides, fallback: null, nowMs: () => Date.UTC(2026, 5, 1) }).find("openai", "mine-7");
  expect(price?.contextTokens).toBe(128_000);
  expect(price?.charge({ input_tokens: 200_000, output_tokens: 1_000 })).toBe(808_000_000n);
});

test("every problem of a file is told at once", () => {
  const broken = [{
    ...FILE[0], surprise: 1, models: [{ id: "a", match: { regex: "(" }, prices: { input_mtok: -1 } }, { id: "b", match: { like: "b" }, prices: { pages: 1 } }],
  }];
  expect(() => parsePrices("prices.json", JSON.stringify(broken))).toThrow(/prices\.json: [4-9] problems/);
});

test.each(["[]", "{}", "null", "[1]", "["])("%s is no price file", (text) => {
  expect(() => parsePrices("prices.json", text)).toThrow(/prices\.json/);
});

test("a provider that is there twice is a problem", () => {
  expect(() => parsePrices("prices.json", JSON.stringify([FILE[0], FILE[0]]))).toThrow(/is there twice/);
});
