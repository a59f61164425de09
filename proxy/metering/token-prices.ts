import type { ModelInfo, ModelPrice, TieredPrices } from "@pydantic/genai-prices";

/** What a call may use at most; what it is charged for is never more (`Price.worst`). Whole tokens and calls. */
export interface UsageBounds {
  /** With everything that is read from or written to caches. */
  readonly input: number;
  /** Of all choices, with reasoning. */
  readonly output: number;
  /** What the request may write to the provider's prompt cache: nothing, for five minutes, or for an hour. */
  readonly cacheWrites: "none" | "5m" | "1h";
  /** Input that is not text, or that nobody has seen. */
  readonly hasMedia: boolean;
  readonly hasAudioOutput: boolean;
  readonly webSearches: number;
  readonly fileSearches: number;
}

/** One price list of a model, as a bound needs it. */
export interface TokenPrices {
  readonly knowsHourWrites: boolean;
  readonly hasOutputPrice: boolean;
  readonly isByTokens: boolean;
  readonly hasWebSearchPrice: boolean;
  readonly hasFileSearchPrice: boolean;
  worst(bounds: UsageBounds): bigint;
}

type Amount = number | TieredPrices;
interface Rate {
  readonly key: string;
  readonly amount: Amount;
}

const TOOL_KEYS = new Set(["web_searches_kcount", "storage_searches_kcount", "code_executions_kcount", "social_searches_kcount", "requests_kcount"]);
const PER_MILLION = 1_000_000n;
const PER_THOUSAND = 1_000n;
const DAY_MS = 86_400_000;

/**
 * All price lists that may hold for a call that begins now: the one in force, those of other hours, and those that come into force within a day.
 * The library reads them from the last to the first, so that nothing before a date that has passed is ever reached.
 */
export function activePrices({ prices }: ModelInfo, nowMs: number): readonly ModelPrice[] {
  if (!Array.isArray(prices)) return [prices];
  const startMs = prices.map(({ constraint }) => (constraint?.type === "start_date" ? new Date(constraint.start_date).getTime() : null));
  // A clock that differs by a day must not matter.
  const settled = startMs.findLastIndex((start) => start !== null && start <= nowMs - DAY_MS);
  const active = prices.filter((_, index) => index >= settled && (startMs[index] ?? 0) <= nowMs + DAY_MS);
  return (active.length === 0 ? prices : active).map((one) => one.prices);
}

/** Reads one price list. */
export function tokenPrices(price: ModelPrice): TokenPrices {
  const rates = Object.entries(price).flatMap(([key, amount]) => (amount === undefined ? [] : [{ key, amount }]));
  const has = (key: string) => rates.some((rate) => rate.key === key);
  return {
    knowsHourWrites: has("cache_write_1h_mtok") || !has("cache_write_mtok"),
    hasOutputPrice: has("output_mtok"),
    isByTokens: rates.every(({ key }) => key.endsWith("_mtok") || TOOL_KEYS.has(key)),
    hasWebSearchPrice: has("web_searches_kcount"),
    hasFileSearchPrice: has("storage_searches_kcount"),
    worst: (bounds) => worst(rates, bounds),
  };
}

function worst(rates: readonly Rate[], bounds: UsageBounds): bigint {
  const { input, output } = bounds;
  const inputRate = highest(rates, input, (key) => isInput(key, bounds));
  const outputRate = highest(rates, input, (key) => key.startsWith("output_") && (bounds.hasAudioOutput || !key.includes("audio")));
  const calls = [["web_searches_kcount", bounds.webSearches], ["storage_searches_kcount", bounds.fileSearches], ["requests_kcount", 1]] as const;
  const fees = calls.reduce((sum, [key, count]) => sum + BigInt(count) * highest(rates, input, (name) => name === key) * (PER_MILLION / PER_THOUSAND), 0n);
  const exact = BigInt(input) * inputRate + BigInt(output) * outputRate + fees;
  if (exact === 0n) return 0n;
  const nano = (exact + PER_MILLION - 1n) / PER_MILLION;
  // The library adds a handful of doubles and rounds up: at most 2⁻⁴⁸ and one nano-dollar above the exact sum.
  return nano + (nano >> 48n) + 2n;
}

/** Which rates a token of input may be charged at. All of them are compared: a price list need not be cheaper for what is cached. */
function isInput(key: string, { cacheWrites, hasMedia }: UsageBounds): boolean {
  if (!key.endsWith("_mtok") || key.startsWith("output_")) return false;
  if (!hasMedia && /audio|image|video/.test(key)) return false;
  if (key.startsWith("cache_write_1h") || /^cache_.*write_1h/.test(key)) return cacheWrites === "1h";
  return !key.includes("write") || cacheWrites !== "none";
}

/** The highest rate, in nano-dollars per million (or thousand), rounded up; of a rate with tiers the highest that `input` tokens may reach. */
function highest(rates: readonly Rate[], input: number, isMeant: (key: string) => boolean): bigint {
  let most = 0;
  for (const { key, amount } of rates) {
    if (!isMeant(key)) continue;
    if (typeof amount === "number") most = Math.max(most, amount);
    else most = Math.max(most, amount.base, ...amount.tiers.filter(({ start }) => start < input).map(({ price }) => price));
  }
  return BigInt(Math.ceil(most * 1e9));
}
