import { extractUsage } from "@pydantic/genai-prices";
import type { ModelApi, TokenCounts } from "../../model/metered-call.ts";
import type { Pricing, Provider, Usage } from "../pricing.ts";
import { isObject, type JsonObject } from "./json-text.ts";

/** A report as the price library understands it, and as the meters count it. */
export interface ExtractedUsage {
  readonly usage: Usage;
  readonly tokens: TokenCounts;
}

type Extractor = NonNullable<Provider["extractors"]>[number];
type Path = readonly Extractor["mappings"][number]["path"][number][];

/** What the library calls the shapes of an API, and the provider whose extractor serves all who copy it. */
const FLAVORS: Readonly<Record<ModelApi, { readonly home: string; readonly flavors: readonly string[] }>> = {
  "openai-chat": { home: "openai", flavors: ["chat", "default"] },
  "openai-responses": { home: "openai", flavors: ["responses"] },
  "openai-embeddings": { home: "openai", flavors: ["embeddings"] },
  "anthropic-messages": { home: "anthropic", flavors: ["anthropic", "default"] },
  "gemini-generate": { home: "google", flavors: ["default"] },
  "bedrock-converse": { home: "aws", flavors: ["default"] },
  "bedrock-invoke": { home: "aws", flavors: ["default", "anthropic"] },
  "mistral-chat": { home: "mistral", flavors: ["default"] },
  "openrouter-chat": { home: "openrouter", flavors: ["chat"] },
};

/**
 * Reads a report with the price library's own extractor, but strictly: where that takes what it can use, a count here is a whole number or absent.
 * @param report what stands at `usage` or `usageMetadata`
 * @returns null for a report that is unfit: a count is missing, negative, a fraction, a string, more than 2⁵³
 */
export function extractStrictly(report: JsonObject, api: ModelApi, providerId: string, pricing: Pricing): ExtractedUsage | null {
  const { home, flavors } = FLAVORS[api];
  const root = api === "gemini-generate" ? "usageMetadata" : "usage";
  for (const provider of [pricing.provider(providerId), pricing.provider(home)]) {
    const extractors = provider?.extractors?.filter((one) => one.root === root && hasRequired(one, report)) ?? [];
    const extractor = flavors.flatMap((flavor) => extractors.find(({ api_flavor: name }) => name === flavor) ?? [])[0];
    if (provider === null || extractor === undefined) continue;
    if (!extractor.mappings.every(({ path }) => isFit(valueAt(report, pathOf(path))))) return null;
    return counted(provider, extractor, { [root]: report });
  }
  return null;
}

function counted(provider: Provider, { api_flavor: flavor }: Extractor, body: JsonObject): ExtractedUsage | null {
  try {
    const { usage } = extractUsage(provider, body, flavor);
    const of = (name: string) => usage[name] ?? 0;
    const tokens: TokenCounts = {
      input: of("input_tokens"), cacheRead: of("cache_read_tokens"), cacheWrite: of("cache_write_tokens"),
      output: of("output_tokens"), reasoning: of("output_reasoning_tokens"),
    };
    const isWhole = Object.values(usage).every((value) => value === undefined || Number.isSafeInteger(value));
    return isWhole && isConsistent(tokens) ? { usage, tokens } : null;
  } catch {
    return null;
  }
}

/** Parts are no more than the whole. */
function isConsistent({ input, cacheRead, cacheWrite, output, reasoning }: TokenCounts): boolean {
  return cacheRead + cacheWrite <= input && reasoning <= output;
}

function hasRequired({ mappings }: Extractor, report: JsonObject): boolean {
  const isThere = ({ path }: Extractor["mappings"][number]) => (valueAt(report, pathOf(path)) ?? null) !== null;
  return mappings.some(isThere) && mappings.every((mapping) => !mapping.required || isThere(mapping));
}

function isFit(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "number" && Number.isSafeInteger(value) && value >= 0);
}

function pathOf(path: Extractor["mappings"][number]["path"]): Path {
  return typeof path === "string" ? [path] : path;
}

/** @returns undefined where nothing is; what is no object in the middle of a path is unfit, and returned as it is */
function valueAt(report: unknown, path: Path): unknown {
  let value = report;
  for (const step of path) {
    if (value === null || value === undefined) return undefined;
    if (typeof step !== "string") {
      if (!Array.isArray(value)) return value;
      value = value.find((one) => isObject(one) && "equals" in step.match && String(one[step.field]).toLowerCase() === step.match.equals.toLowerCase());
    } else if (isObject(value)) value = value[step];
    else return value;
  }
  return value;
}
