import type { CredentialsConfig } from "./config.ts";
import type { Rhythm } from "./rhythm.ts";
import { SourceError } from "./secret-source.ts";

export type BreakerLimits = Pick<CredentialsConfig, "breakerFaults" | "breakerRestMs">;

/** Longest time that a store may ask to be left alone, in milliseconds: it is not the store's to say for how long agents wait. */
const LONGEST_REST_MS = 60_000;

/**
 * Leaves a store alone that has failed several times in a row: until its rest is over nothing is asked of it, and whoever wants a secret is told so
 * at once; then one request tries, and the others wait for what becomes of it no longer than it takes to be told no.
 */
export class StoreBreaker {
  /** For people: which store. */
  readonly store: string;
  readonly #limits: BreakerLimits;
  readonly #rhythm: Rhythm;
  readonly #onChange: (isOpen: boolean) => void;
  #faults = 0;
  /** Monotonic; null while it is closed. */
  #restUntilMs: number | null = null;
  #isProbing = false;

  /** @param onChange told when it opens, and when it closes again; must not throw */
  constructor(store: string, limits: BreakerLimits, rhythm: Rhythm, onChange: (isOpen: boolean) => void) {
    this.store = store;
    this.#limits = limits;
    this.#rhythm = rhythm;
    this.#onChange = onChange;
  }

  get isOpen(): boolean {
    return this.#restUntilMs !== null;
  }

  /** Asks the store, or not. @throws SourceError `resting` without asking, or what the call throws */
  async guard<T>(ask: () => Promise<T>): Promise<T> {
    const isProbe = this.#admit();
    try {
      const answer = await ask();
      this.#answered();
      return answer;
    } catch (error) {
      // A store that says no has answered; an error of another kind says nothing of the store.
      if (error instanceof SourceError && error.isPassing) this.#failed(error.retryAfterMs);
      else this.#answered();
      throw error;
    } finally {
      if (isProbe) this.#isProbing = false;
    }
  }

  /** @returns true for the one that tries after the rest */
  #admit(): boolean {
    if (this.#restUntilMs === null) return false;
    if (this.#isProbing || this.#rhythm.clock.monotonicMs() < this.#restUntilMs) throw new SourceError("resting", "the store failed several times in a row and is left alone for a moment");
    this.#isProbing = true;
    return true;
  }

  #answered(): void {
    this.#faults = 0;
    if (this.#restUntilMs === null) return;
    this.#restUntilMs = null;
    this.#onChange(false);
  }

  #failed(retryAfterMs: number): void {
    this.#faults += 1;
    const wasOpen = this.#restUntilMs !== null;
    if (!wasOpen && this.#faults < this.#limits.breakerFaults && retryAfterMs === 0) return;
    const restMs = Math.max(this.#limits.breakerRestMs * (0.5 + this.#rhythm.random() / 2), Math.min(retryAfterMs, LONGEST_REST_MS));
    this.#restUntilMs = this.#rhythm.clock.monotonicMs() + restMs;
    if (!wasOpen) this.#onChange(true);
  }
}
