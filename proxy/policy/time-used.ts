import { LRUCache } from "lru-cache";
import type { Clock } from "../../common/clock.ts";

/** Agents and namespaces that are remembered; of more than that, those that used least of late begin anew. */
const KEY_LIMIT = 8_192;

/** Time that each key used not long ago, in milliseconds: what is as old as the half-life counts half. */
export class TimeUsed {
  readonly #clock: Clock;
  readonly #halfLifeMs: number;
  readonly #used = new LRUCache<string, { readonly ms: number; readonly atMs: number }>({ max: KEY_LIMIT });

  constructor(clock: Clock, halfLifeMs: number) {
    this.#clock = clock;
    this.#halfLifeMs = halfLifeMs;
  }

  charge(key: string, ms: number): void {
    this.#used.set(key, { ms: this.of(key) + ms, atMs: this.#clock.monotonicMs() });
  }

  of(key: string): number {
    const used = this.#used.peek(key);
    return used === undefined ? 0 : used.ms * 2 ** ((used.atMs - this.#clock.monotonicMs()) / this.#halfLifeMs);
  }
}
