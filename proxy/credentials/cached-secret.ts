import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../common/clock.ts";
import type { Borrower } from "../model/agent.ts";
import type { CredentialsConfig } from "./config.ts";
import { SourceError, type Material, type SecretSource } from "./secret-source.ts";

export type FetchLimits = Pick<CredentialsConfig, "cacheTtlMs" | "failureTtlMs" | "fetchTimeoutMs" | "attempts" | "attemptDelayMs">;

/** Time and chance, owned by the test. */
export interface Rhythm {
  readonly clock: Clock;
  /** Waits; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
}

export const rhythmOf = (clock: Clock): Rhythm => ({ clock, random: Math.random, pause: async (ms, signal) => { await sleep(ms, undefined, { signal }); } });

/**
 * One secret of one grant, fetched when it is first needed and kept no longer than its time to live, by the monotonic clock. However many wait,
 * one fetch runs; after a failure, none runs for a moment. An old value is never used because a new one could not be had.
 */
export class CachedSecret {
  readonly #source: SecretSource;
  readonly #limits: FetchLimits;
  readonly #rhythm: Rhythm;
  #held: { readonly fetched: Material; readonly untilMs: number } | null = null;
  #failed: { readonly error: SourceError; readonly untilMs: number } | null = null;
  #fetching: Promise<Material> | null = null;

  constructor(source: SecretSource, limits: FetchLimits, rhythm: Rhythm) {
    this.#source = source;
    this.#limits = limits;
    this.#rhythm = rhythm;
  }

  /** What may be used now without asking the source for it again; null if it must be fetched. */
  inHand(): Material | null {
    const held = this.#held;
    if (held === null) return null;
    if (this.#rhythm.clock.monotonicMs() < held.untilMs && this.#source.isCurrent(held.fetched.version)) return held.fetched;
    this.#held = null;
    return null;
  }

  /** @throws SourceError, or the signal's reason. One waiter that goes away does not end the fetch that others wait for. */
  async get(signal: AbortSignal, borrower: Borrower): Promise<Material> {
    signal.throwIfAborted();
    const held = this.inHand();
    if (held !== null) return held;
    if (this.#failed !== null && this.#rhythm.clock.monotonicMs() < this.#failed.untilMs) throw this.#failed.error;
    this.#fetching ??= this.#fetch(borrower).finally(() => { this.#fetching = null; });
    return await unlessAborted(this.#fetching, signal);
  }

  async #fetch(borrower: Borrower): Promise<Material> {
    try {
      const startedAtMs = this.#rhythm.clock.monotonicMs();
      const fetched = await this.#attempt(borrower);
      // From the start, not the end: the source may have changed it while its answer was on the way.
      this.#held = { fetched, untilMs: startedAtMs + Math.min(this.#limits.cacheTtlMs, fetched.lifetimeMs ?? Number.POSITIVE_INFINITY) };
      this.#failed = null;
      return fetched;
    } catch (thrown) {
      const error = thrown instanceof SourceError ? thrown : new SourceError("down", "the source failed in a way of its own");
      this.#failed = { error, untilMs: this.#rhythm.clock.monotonicMs() + this.#limits.failureTtlMs };
      throw error;
    }
  }

  async #attempt(borrower: Borrower): Promise<Material> {
    const { attempts, attemptDelayMs, fetchTimeoutMs } = this.#limits;
    const deadline = AbortSignal.timeout(fetchTimeoutMs);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await unlessAborted(this.#source.fetch(deadline, borrower), deadline);
      } catch (error) {
        if (deadline.aborted) throw new SourceError("slow", `no answer within ${fetchTimeoutMs} ms`);
        if (!(error instanceof SourceError) || !error.isPassing || attempt >= attempts) throw error;
        const delayMs = attemptDelayMs * 2 ** (attempt - 1);
        await this.#rhythm.pause(delayMs * (0.5 + this.#rhythm.random() / 2), deadline).catch(() => { throw error; });
      }
    }
  }
}

/** The promise's outcome, or the signal's reason if that comes first. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => { reject(signal.reason as Error); };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
