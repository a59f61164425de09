import type { CredentialsConfig } from "../config.ts";
import type { Rhythm } from "../rhythm.ts";
import { SourceError } from "../secret-source.ts";

export type BreakerLimits = Pick<CredentialsConfig, "breakerFaults" | "breakerRestMs">;

export interface BreakerParts {
  readonly limits: BreakerLimits;
  readonly rhythm: Rhythm;
  /** Told when it opens, and when it closes again; must not throw. */
  readonly onChange: (isOpen: boolean) => void;
  /** Which of the faults that may pass are counted; all if left out. */
  readonly isItsFault?: (error: SourceError) => boolean;
}

/** Longest time that a store may ask to be left alone, in milliseconds: it is not the store's to say for how long agents wait. */
const LONGEST_REST_MS = 60_000;

/** What a breaker is to the fetches of a grant. */
export interface Breaker {
  /** For people: which store. */
  readonly store: string;
  readonly isOpen: boolean;
  /** @throws SourceError `resting` without asking, or what the call throws */
  guard<T>(ask: () => Promise<T>): Promise<T>;
}

/**
 * Leaves a store alone that has failed several times in a row: until its rest is over nothing is asked of it, and whoever wants a secret is told so
 * at once; then one request tries, and the others wait for what becomes of it no longer than it takes to be told no.
 */
export class StoreBreaker implements Breaker {
  readonly store: string;
  readonly #limits: BreakerLimits;
  readonly #rhythm: Rhythm;
  readonly #onChange: (isOpen: boolean) => void;
  readonly #isItsFault: (error: SourceError) => boolean;
  #faults = 0;
  /** Monotonic; null while it is closed. */
  #restUntilMs: number | null = null;
  #isProbing = false;

  constructor(store: string, { limits, rhythm, onChange, isItsFault = () => true }: BreakerParts) {
    this.store = store;
    this.#limits = limits;
    this.#rhythm = rhythm;
    this.#onChange = onChange;
    this.#isItsFault = isItsFault;
  }

  get isOpen(): boolean {
    return this.#restUntilMs !== null;
  }

  async guard<T>(ask: () => Promise<T>): Promise<T> {
    const isProbe = this.#admit();
    try {
      const answer = await ask();
      this.#answered();
      return answer;
    } catch (error) {
      this.#judge(error);
      throw error;
    } finally {
      if (isProbe) this.#isProbing = false;
    }
  }

  /** A store that says no has answered. A failure that is not its own, and the rest of another breaker, say nothing of it. */
  #judge(error: unknown): void {
    if (!(error instanceof SourceError) || !error.isPassing && error.fault !== "resting") this.#answered();
    else if (error.isPassing && this.#isItsFault(error)) this.#failed(error.retryAfterMs);
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

/**
 * One grant's breaker in front of the store's, which others share: what fails for this grant alone closes the store to nobody else.
 */
export class GrantBreaker implements Breaker {
  readonly #grant: StoreBreaker;
  readonly #store: StoreBreaker;

  constructor(grant: StoreBreaker, store: StoreBreaker) {
    this.#grant = grant;
    this.#store = store;
  }

  get store(): string {
    return this.#store.isOpen ? this.#store.store : this.#grant.store;
  }

  get isOpen(): boolean {
    return this.#grant.isOpen || this.#store.isOpen;
  }

  async guard<T>(ask: () => Promise<T>): Promise<T> {
    return this.#grant.guard(async () => this.#store.guard(ask));
  }
}
