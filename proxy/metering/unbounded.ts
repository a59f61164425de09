import type { Explanation } from "../errors.ts";
import type { Price } from "./pricing.ts";
import type { Reading } from "./requests/reading.ts";

/** Why the price of a call cannot be told before, if it cannot: nobody knows the model, or the table leaves out what the request asks for. */
export function priceProblem(reading: Reading, prices: readonly (Price | null)[]): Explanation | null {
  for (const [index, price] of prices.entries()) {
    const problem = price === null ? "has no price" : lacking(reading, price);
    if (problem !== null) return explain(reading.models[index] ?? "", problem);
  }
  return null;
}

function lacking(reading: Reading, price: Price): string | null {
  if (!price.isByTokens) return "is charged by more than tokens";
  if (reading.hasOutput && !price.hasOutputPrice) return "has no price for output";
  if (reading.cacheWrites === "1h" && !price.knowsHourWrites) return "has no price for cache entries of an hour (`ttl`)";
  if (reading.webSearches > 0 && !price.hasWebSearchPrice) return "has no price for web searches";
  return reading.fileSearches > 0 && !price.hasFileSearchPrice ? "has no price for file searches" : null;
}

function explain(model: string, problem: string): Explanation {
  return {
    rule: "metering.price", reason: `What this request may cost is unknown: the model \`${model}\` ${problem}.`,
    hint: "Use a model of the price table; or have an operator state its price in `metering.pricesFile`, `metering.aliases` or `metering.fallbackPrice`.",
  };
}
