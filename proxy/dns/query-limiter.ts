import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";

/** Instances remembered; one that was forgotten starts with a full bucket. */
const INSTANCE_LIMIT = 4_096;

interface Bucket {
  tokens: number;
  filledAtMs: number;
  isFlooding: boolean;
}

/** `floods`: the first query over the limit since the last that was not. `flooding`: one more; it is not worth a record. */
export type Admission = "admitted" | "floods" | "flooding";

/** How fast each instance may ask, over all its connections: a token bucket each. */
export class QueryLimiter {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #clock: Clock;
  readonly #buckets = new LRUCache<string, Bucket>({ max: INSTANCE_LIMIT });

  constructor(queriesPerSecond: number, burst: number, clock: Clock) {
    this.#perMs = queriesPerSecond / 1_000;
    this.#burst = burst;
    this.#clock = clock;
  }

  admit(instance: string): Admission {
    const nowMs = this.#clock.monotonicMs();
    const bucket = this.#buckets.get(instance) ?? { tokens: this.#burst, filledAtMs: nowMs, isFlooding: false };
    this.#buckets.set(instance, bucket);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (nowMs - bucket.filledAtMs) * this.#perMs);
    bucket.filledAtMs = nowMs;
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      bucket.isFlooding = false;
      return "admitted";
    }
    const first = !bucket.isFlooding;
    bucket.isFlooding = true;
    return first ? "floods" : "flooding";
  }
}
