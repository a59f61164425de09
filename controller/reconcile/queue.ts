import type { Clock } from "../../common/clock.ts";
import type { ReconcileConfig } from "./config.ts";

/** @returns milliseconds until the key shall be handled again without a cause; null: never. A rejection is retried with back-off. */
export type HandleKey = (key: string, signal: AbortSignal) => Promise<number | null>;

interface Timer {
  readonly dueMs: number;
  readonly handle: NodeJS.Timeout;
}

/** setTimeout takes 2^31-1 ms; a wake-up that is further away is asked for again by then. */
const LONGEST_DELAY_MS = 3_600_000;

/**
 * Keys that wait for their turn, each once, first come first served. A key that is added while it is handled is handled once more afterwards, never
 * twice at a time. Memory: one entry for each key that waits or has a delay.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #retry: Pick<ReconcileConfig, "retryBaseMs" | "retryMaxMs">;
  readonly #random: () => number;
  readonly #ready = new Set<string>();
  readonly #active = new Set<string>();
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  /** Workers without work. */
  readonly #idle: (() => void)[] = [];

  constructor(clock: Clock, retry: Pick<ReconcileConfig, "retryBaseMs" | "retryMaxMs">, random: () => number = Math.random) {
    this.#clock = clock;
    this.#retry = retry;
    this.#random = random;
  }

  /** Keys that could be handled now if a worker were free. */
  get depth(): number {
    return this.#ready.size + this.#again.size;
  }

  add(key: string): void {
    if (this.#active.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#ready.add(key);
    this.#idle.shift()?.();
  }

  /** Adds the key after a while; of several delays of one key the shortest counts. */
  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const waitMs = Math.min(delayMs, LONGEST_DELAY_MS);
    const dueMs = this.#clock.monotonicMs() + waitMs;
    const before = this.#timers.get(key);
    if (before !== undefined && before.dueMs <= dueMs) return;
    clearTimeout(before?.handle);
    const handle = setTimeout(() => {
      this.#timers.delete(key);
      this.add(key);
    }, waitMs);
    this.#timers.set(key, { dueMs, handle });
  }

  /** Runs until the signal aborts, then waits for what is in hand. Never rejects. @param onError told of each rejection, which is retried */
  async run(workers: number, handle: HandleKey, onError: (key: string, error: unknown) => void, signal: AbortSignal): Promise<void> {
    const work = async () => {
      for (;;) {
        const key = await this.#take(signal);
        if (key === null) return;
        await this.#handle(key, handle, signal).catch((error: unknown) => {
          if (!signal.aborted) onError(key, error);
        });
      }
    };
    const release = () => { for (const wake of this.#idle.splice(0)) wake(); };
    signal.addEventListener("abort", release, { once: true });
    await Promise.all(Array.from({ length: workers }, work));
    for (const { handle: timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#ready.clear();
  }

  async #take(signal: AbortSignal): Promise<string | null> {
    while (!signal.aborted) {
      const [key] = this.#ready;
      if (key === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#idle.push(resolve);
        await promise;
        continue;
      }
      this.#ready.delete(key);
      this.#active.add(key);
      // What was planned for later is decided anew by this turn.
      clearTimeout(this.#timers.get(key)?.handle);
      this.#timers.delete(key);
      return key;
    }
    return null;
  }

  async #handle(key: string, handle: HandleKey, signal: AbortSignal): Promise<void> {
    try {
      const wakeAfterMs = await handle(key, signal);
      this.#failures.delete(key);
      if (wakeAfterMs !== null && !signal.aborted) this.addAfter(key, Math.max(1, wakeAfterMs));
    } catch (error) {
      if (!signal.aborted) this.addAfter(key, this.#backOffMs(key));
      throw error;
    } finally {
      this.#active.delete(key);
      if (this.#again.delete(key) && !signal.aborted) this.add(key);
    }
  }

  /** Exponential, half of it by chance: keys that failed together do not come back together. */
  #backOffMs(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const fullMs = Math.min(this.#retry.retryMaxMs, this.#retry.retryBaseMs * 2 ** Math.min(failures, 30));
    return fullMs / 2 + this.#random() * (fullMs / 2);
  }
}
