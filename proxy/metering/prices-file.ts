import * as z from "zod";
import { parseConfig, readConfigFile } from "../../common/config.ts";
import type { Provider } from "./pricing.ts";

const amount = z.number().min(0).max(1_000_000_000);
const tiered = z.strictObject({ base: amount, tiers: z.array(z.strictObject({ start: z.number().int().min(0), price: amount })).min(1).max(32) });
/** Keys as the price library knows them, in dollars: `input_mtok`, `output_mtok`, `cache_read_mtok`, `web_searches_kcount` … */
const priceKey = z.string().regex(/^[a-z0-9_]+_(?:mtok|kcount|hours|mchars|gpixels|kpages)$/, "is no price that the library knows");
const modelPrice = z.record(priceKey, z.union([amount, tiered]));

const startDate = z.strictObject({ type: z.literal("start_date").default("start_date"), start_date: z.iso.date() });
const timeOfDay = z.strictObject({ type: z.literal("time_of_date").default("time_of_date"), start_time: z.string().max(32), end_time: z.string().max(32) });
const conditional = z.strictObject({ constraint: z.union([startDate, timeOfDay]).optional(), prices: modelPrice });

const word = z.string().min(1).max(200);
const simpleMatch = z.union([
  z.strictObject({ equals: word }), z.strictObject({ starts_with: word }), z.strictObject({ ends_with: word }), z.strictObject({ contains: word }),
  z.strictObject({ regex: word.refine(isPattern, "is no regular expression") }),
]);
const match = z.union([simpleMatch, z.strictObject({ or: z.array(simpleMatch).min(1).max(64) }), z.strictObject({ and: z.array(simpleMatch).min(1).max(64) })]);

const text = z.string().max(4_000).optional();
const model = z.strictObject({
  id: word, match, prices: z.union([modelPrice, z.array(conditional).min(1).max(64)]),
  name: text, description: text, price_comments: text, context_window: z.number().int().min(1).max(100_000_000).optional(), deprecated: z.boolean().optional(),
});
const provider = z.strictObject({
  id: word.regex(/^[a-z0-9][a-z0-9_-]*$/, "must be a short name in lower case"), name: text, description: text, price_comments: text,
  api_pattern: z.string().max(1_000).optional(), pricing_urls: z.array(z.string().max(1_000)).max(64).optional(), models: z.array(model).min(1).max(10_000),
});

/** The operator's own prices: a list of providers in the form of the price library, of which only what prices need may be there. */
export const pricesFile = z.array(provider).min(1).max(256).superRefine((providers, context) => {
  const ids = providers.map(({ id }) => id);
  for (const [index, id] of ids.entries()) if (ids.indexOf(id) !== index) context.addIssue({ code: "custom", path: [index, "id"], message: "is there twice" });
});

/** @returns prices that go before the built-in table @throws ConfigError with every problem of the file at once */
export function readPricesFile(path: string): readonly Provider[] {
  return parsePrices(path, readConfigFile(path));
}

/** @param name for messages */
export function parsePrices(name: string, json: string): readonly Provider[] {
  const providers = parseConfig(pricesFile, { name, reference: "docs/metering.md" }, json);
  // What is left out stays out: the library takes a key without a value for a mistake.
  return JSON.parse(JSON.stringify(providers.map((one) => ({ ...one, name: one.name ?? one.id, api_pattern: one.api_pattern ?? "" })))) as Provider[];
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source).source !== "";
  } catch {
    return false;
  }
}
