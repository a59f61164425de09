import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";

/** Callers that are remembered; whoever is forgotten begins with a full bucket, which takes this many other callers to bring about. */
const CALLERS_LIMIT = 50_000;

/** A bucket of tokens for each caller. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #clock: Clock;
  readonly #buckets = new LRUCache<string, { tokens: number; atMs: number }>({ max: CALLERS_LIMIT });

  constructor(options: { readonly perSecond: number; readonly burst: number; readonly clock: Clock }) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#clock = options.clock;
  }

  /** Takes a token. @returns 0, or the seconds until there is one */
  take(caller: string): number {
    const bucket = this.#refilled(caller);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - bucket.tokens) / this.#perSecond);
  }

  /** The seconds until there is a token, without taking it. */
  wait(caller: string): number {
    const { tokens } = this.#refilled(caller);
    return tokens >= 1 ? 0 : Math.ceil((1 - tokens) / this.#perSecond);
  }

  #refilled(caller: string): { tokens: number; atMs: number } {
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(caller) ?? { tokens: this.#burst, atMs: nowMs };
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (nowMs - bucket.atMs) / 1_000 * this.#perSecond);
    bucket.atMs = nowMs;
    this.#buckets.set(caller, bucket);
    return bucket;
  }
}
