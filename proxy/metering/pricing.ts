import { calcPrice, findProvider, type ModelPrice, type Provider, type Usage } from "@pydantic/genai-prices";
import { LRUCache } from "lru-cache";
import { activePrices, tokenPrices, type TokenPrices, type UsageBounds } from "./token-prices.ts";

export type { Provider, Usage } from "@pydantic/genai-prices";
export type { UsageBounds } from "./token-prices.ts";

/** What one model of one provider costs. Immutable, but for the clock. */
export interface Price {
  /** As the price table has it, with this one model: its `id` and `extractors`. */
  readonly provider: Provider;
  readonly model: string;
  /** Most tokens of a prompt, with what it refers to; null if the table does not say. */
  readonly contextTokens: number | null;
  /** True for `metering.fallbackPrice`: the table does not know the model. */
  readonly isFallback: boolean;
  /** True if the table has a price for cache entries of an hour, or none for caches at all. */
  readonly knowsHourWrites: boolean;
  /** False if the table says nothing of output: a model that embeds. */
  readonly hasOutputPrice: boolean;
  /** False if more than tokens and calls of tools is charged: minutes, pages, pixels. */
  readonly isByTokens: boolean;
  readonly hasWebSearchPrice: boolean;
  readonly hasFileSearchPrice: boolean;
  /**
   * Exactly what the price library says, rounded up to the nano-dollar.
   * @param usage `input_tokens` with both caches in it
   * @returns null for a usage that contradicts itself (more from the cache than there was input, a negative number)
   */
  charge(usage: Usage): bigint | null;
  /** Not below `charge` of any usage within the bounds, now and in the next day, at the tier that costs most. */
  worst(bounds: UsageBounds): bigint;
}

/** A flat price in dollars per million tokens. */
export interface FlatPrice {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
}

export interface PricingOptions {
  /** The operator's own prices; each model in them goes before the table's. */
  readonly overrides: readonly Provider[];
  /** For models that nobody knows; null if there is none. */
  readonly fallback: FlatPrice | null;
  readonly nowMs: () => number;
}

/** The one place where dollars of the price library become money: up to the next nano-dollar. */
export function nanoUsd(dollars: number): bigint {
  return BigInt(Math.ceil(dollars * 1e9));
}

/** Agents choose the names of models: what is remembered of them has a limit. */
const REMEMBERED_MODELS = 2_000;
/** Dated prices come into force while we run; nothing is remembered for longer. */
const REMEMBERED_MS = 10 * 60_000;

/** The prices of all models: the operator's, the table's, the fallback. Nothing is ever fetched. */
export class Pricing {
  readonly #options: PricingOptions;
  readonly #known: LRUCache<string, { readonly price: Price | null }>;

  constructor(options: PricingOptions) {
    this.#options = options;
    this.#known = new LRUCache({ max: REMEMBERED_MODELS, ttl: REMEMBERED_MS, perf: { now: () => Math.max(1, options.nowMs()) } });
  }

  /** @param providerId as the table calls it @param model as request or answer name it @returns null if nobody knows the price */
  find(providerId: string, model: string): Price | null {
    const key = `${providerId}\n${model}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known.price;
    const price = this.#look(providerId, model);
    this.#known.set(key, { price });
    return price;
  }

  /** The provider with its extractors, for those who read usage; null if the table has none of that name. */
  provider(providerId: string): Provider | null {
    return findProvider({ providerId }) ?? null;
  }

  #look(providerId: string, model: string): Price | null {
    const builtIn = findProvider({ providerId });
    const candidates = [...this.#options.overrides.filter(({ id }) => id === providerId), ...(builtIn === undefined ? [] : [builtIn])];
    for (const provider of candidates) {
      const found = calcPrice({}, model, { provider, timestamp: this.#now() });
      // With the one model alone, later lookups neither search nor compile patterns.
      if (found !== null) return this.#price({ ...(builtIn ?? provider), models: [found.model] }, model, false);
    }
    const { fallback } = this.#options;
    return fallback === null ? null : this.#price(flatProvider(builtIn, providerId, fallback), model, true);
  }

  /** A price that an operator states for a host of their own. */
  flat(providerId: string, model: string, price: FlatPrice): Price {
    return this.#price(flatProvider(findProvider({ providerId }), providerId, price), model, false);
  }

  #price(provider: Provider, model: string, isFallback: boolean): Price {
    const info = provider.models[0];
    const prices = info === undefined ? [] : activePrices(info, this.#options.nowMs());
    return { provider, model, isFallback, contextTokens: info?.context_window ?? null, ...describe(prices), charge: (usage) => this.#charge(usage, model, provider) };
  }

  #charge(usage: Usage, model: string, provider: Provider): bigint | null {
    try {
      const priced = calcPrice(usage, model, { provider, timestamp: this.#now() });
      return priced === null || !Number.isFinite(priced.total_price) ? null : nanoUsd(priced.total_price);
    } catch {
      return null;
    }
  }

  #now(): Date {
    return new Date(this.#options.nowMs());
  }
}

type Described = Omit<Price, "provider" | "model" | "isFallback" | "contextTokens" | "charge">;

function describe(prices: readonly ModelPrice[]): Described {
  const read = prices.map(tokenPrices);
  const every = (holds: (one: TokenPrices) => boolean) => read.every(holds);
  return {
    knowsHourWrites: every((one) => one.knowsHourWrites), hasOutputPrice: every((one) => one.hasOutputPrice), isByTokens: every((one) => one.isByTokens),
    hasWebSearchPrice: every((one) => one.hasWebSearchPrice), hasFileSearchPrice: every((one) => one.hasFileSearchPrice),
    worst: (bounds) => read.reduce((most, one) => { const cost = one.worst(bounds); return cost > most ? cost : most; }, 0n),
  };
}

function flatProvider(like: Provider | undefined, id: string, { inputPerMillion, outputPerMillion }: FlatPrice): Provider {
  const flat = { id: "flat", match: { regex: "" }, prices: { input_mtok: inputPerMillion, output_mtok: outputPerMillion } };
  return { ...(like ?? { id, name: id, api_pattern: "" }), models: [flat] };
}
