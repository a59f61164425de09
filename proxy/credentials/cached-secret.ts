import type { Borrower } from "../model/agent.ts";
import type { CredentialsConfig } from "./config.ts";
import { keepLease, type HeldLease } from "./leases/keep-lease.ts";
import type { LeaseDesk, LeaseOwner } from "./leases/lease-desk.ts";
import type { Rhythm } from "./rhythm.ts";
import { SourceError, type Material, type SecretSource } from "./secret-source.ts";
import type { Breaker } from "./leases/store-breaker.ts";
import { unlessAborted } from "./unless-aborted.ts";

export { rhythmOf, type Rhythm } from "./rhythm.ts";

export type FetchLimits = Pick<CredentialsConfig, "cacheTtlMs" | "failureTtlMs" | "fetchTimeoutMs" | "attempts" | "attemptDelayMs">;

/** Fetches of one secret that go on after nobody waits for them; with more than these the source is not asked. */
const LATE_LIMIT = 2;

/** What a cached secret is made of. */
export interface SecretParts {
  readonly source: SecretSource;
  readonly limits: FetchLimits;
  readonly rhythm: Rhythm;
  /** Shared by all that is fetched from one store. */
  readonly breaker: Breaker;
  readonly desk: LeaseDesk;
  readonly owner: LeaseOwner;
}

interface Held {
  readonly fetched: Material;
  /** Null for what is not leased. */
  readonly lease: HeldLease | null;
  /** Monotonic, for what is not leased. */
  readonly untilMs: number;
}

/**
 * One secret of one grant, for all or for one instance: fetched when it is first needed and kept no longer than its time to live, by the monotonic
 * clock; if it is leased, its lease is that time, renewed while it is used. However many wait, one fetch runs; after a failure, none runs for a
 * moment. An old value is never used because a new one could not be had.
 */
export class CachedSecret {
  readonly #parts: SecretParts;
  #held: Held | null = null;
  #failed: { readonly error: SourceError; readonly untilMs: number } | null = null;
  #fetching: Promise<Material> | null = null;
  /** Leases near their end, of which another takes the place; who has them may finish. */
  readonly #retired = new Set<Held>();
  /** Fetches whose time was over: what they bring is given back. */
  readonly #late = new Set<Promise<void>>();
  /** What is not leased and was given out since the last drop. */
  #given = new WeakSet<Material>();
  /** Aborted, and made anew, with each drop: what was asked for before is not for use when it comes, nor asked for once more. */
  #dropped = new AbortController();

  constructor(parts: SecretParts) {
    this.#parts = parts;
  }

  get owner(): LeaseOwner {
    return this.#parts.owner;
  }

  /** Whether it holds and fetches nothing. */
  get isIdle(): boolean {
    return this.#held === null && this.#fetching === null && this.#retired.size === 0 && this.#late.size === 0;
  }

  /** What may be used now without asking the source for it again; null if it must be fetched. */
  inHand(): Material | null {
    const held = this.#held;
    if (held === null) return null;
    if (held.lease?.isRetired === true) {
      this.#held = null;
      this.#retired.add(held);
      return null;
    }
    if (this.#parts.rhythm.clock.monotonicMs() < (held.lease ?? held).untilMs && this.#parts.source.isCurrent(held.fetched.version)) {
      if (held.lease !== null) held.lease.isUsed = true;
      return held.fetched;
    }
    void this.#letGo(held, "its time is over");
    return null;
  }

  /** Whether what was given out may still be used by who has it. Counts as use, so that a lease is renewed for as long as somebody asks. */
  isHeld(fetched: Material): boolean {
    if (fetched.lease === null) return this.#given.has(fetched);
    const held = [...this.#retired, this.#held].find((one) => one?.fetched === fetched);
    if (held?.lease === undefined || held.lease === null) return false;
    held.lease.isUsed = true;
    return true;
  }

  /** @throws SourceError, or the signal's reason. One waiter that goes away does not end the fetch that others wait for. */
  async get(signal: AbortSignal, borrower: Borrower): Promise<Material> {
    signal.throwIfAborted();
    const held = this.inHand();
    if (held !== null) return held;
    if (this.#failed !== null && this.#parts.rhythm.clock.monotonicMs() < this.#failed.untilMs) throw this.#failed.error;
    return await unlessAborted(this.#fetching ?? this.#startFetch(borrower), signal);
  }

  /**
   * Forgets what is held, and what is being fetched; the next that asks fetches anew.
   * @param why for the record
   * @returns when the store has taken back what was leased; never rejects
   */
  async drop(why: string): Promise<void> {
    this.#dropped.abort(takenBack());
    this.#dropped = new AbortController();
    this.#given = new WeakSet();
    this.#failed = null;
    const late = this.#fetching;
    this.#fetching = null;
    const held = [...this.#retired, ...(this.#held === null ? [] : [this.#held])];
    await Promise.all([late?.catch(() => undefined), ...held.map(async (one) => this.#letGo(one, why))]);
    await Promise.all(this.#late);
  }

  /** Never rejects. */
  async #letGo(held: Held, why: string): Promise<void> {
    if (this.#held === held) this.#held = null;
    this.#retired.delete(held);
    held.lease?.stop.abort();
    const { lease } = held.fetched;
    if (lease !== null) await this.#parts.desk.giveBack(lease, this.owner, why);
  }

  #startFetch(borrower: Borrower): Promise<Material> {
    const fetching = this.#fetch(borrower, this.#dropped.signal).finally(() => {
      if (this.#fetching === fetching) this.#fetching = null;
    });
    this.#fetching = fetching;
    return fetching;
  }

  async #fetch(borrower: Borrower, dropped: AbortSignal): Promise<Material> {
    try {
      const startedAtMs = this.#parts.rhythm.clock.monotonicMs();
      this.#parts.desk.requireRoom(this.owner);
      const fetched = await this.#attempt(borrower, dropped);
      if (fetched.lease !== null) await this.#parts.desk.enter(fetched.lease, this.owner, fetched.lifetimeMs);
      await this.#requireWanted(fetched, dropped);
      this.#hold(fetched, startedAtMs);
      this.#failed = null;
      return fetched;
    } catch (thrown) {
      const error = thrown instanceof SourceError ? thrown : new SourceError("down", "the source failed in a way of its own");
      if (this.#parts.source.scope === "instance") this.#parts.desk.notLeased(this.owner, error.fault);
      if (!dropped.aborted) this.#failed = { error, untilMs: this.#parts.rhythm.clock.monotonicMs() + this.#parts.limits.failureTtlMs };
      throw error;
    }
  }

  async #requireWanted({ lease }: Material, dropped: AbortSignal): Promise<void> {
    if (!dropped.aborted) return;
    if (lease !== null) await this.#parts.desk.giveBack(lease, this.owner, "it was dropped while it was fetched");
    throw takenBack();
  }

  /** The source goes on where it cannot stop: what it leases then must not stay out because nobody waits for it. */
  #giveBackLate(fetching: Promise<Material>): void {
    const { desk } = this.#parts;
    const late = fetching.then(async ({ lease, lifetimeMs }) => {
      if (lease === null) return;
      await desk.enter(lease, this.owner, lifetimeMs);
      await desk.giveBack(lease, this.owner, "it came when nobody waited for it any more");
    }).catch(() => undefined).finally(() => this.#late.delete(late));
    this.#late.add(late);
  }

  /** From the start of the fetch, not its end: the source may have changed it while its answer was on the way. */
  #hold(fetched: Material, startedAtMs: number): void {
    const { limits, desk, rhythm } = this.#parts;
    const lifetimeMs = fetched.lifetimeMs ?? limits.cacheTtlMs;
    if (fetched.lease === null) {
      this.#given.add(fetched);
      this.#held = { fetched, lease: null, untilMs: startedAtMs + lifetimeMs };
      return;
    }
    const lease: HeldLease = { lease: fetched.lease, untilMs: startedAtMs + lifetimeMs, isUsed: true, isRetired: false, stop: new AbortController() };
    const held = { fetched, lease, untilMs: lease.untilMs };
    this.#held = held;
    desk.keep(async (stopping) => {
      const why = await keepLease(lease, { owner: this.owner, desk, rhythm }, AbortSignal.any([stopping, lease.stop.signal]));
      if (why !== null) await this.#letGo(held, why);
    });
  }

  async #attempt(borrower: Borrower, dropped: AbortSignal): Promise<Material> {
    const { source, limits: { attempts, attemptDelayMs, fetchTimeoutMs }, rhythm, breaker } = this.#parts;
    const deadline = AbortSignal.timeout(fetchTimeoutMs);
    const untilMs = rhythm.clock.monotonicMs() + fetchTimeoutMs;
    const fetchOnce = async () => {
      if (this.#late.size >= LATE_LIMIT) throw new SourceError("slow", "what was asked for before has not come yet");
      const fetching = source.fetch(deadline, borrower);
      return unlessAborted(fetching, deadline).catch((error: unknown) => {
        if (!deadline.aborted) throw error;
        this.#giveBackLate(fetching);
        throw new SourceError("slow", `no answer within ${fetchTimeoutMs} ms`);
      });
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await breaker.guard(fetchOnce);
      } catch (error) {
        if (!(error instanceof SourceError) || !error.isPassing || attempt >= attempts || breaker.isOpen && error.retryAfterMs === 0) throw error;
        const delayMs = Math.max(error.retryAfterMs, attemptDelayMs * 2 ** (attempt - 1) * (0.5 + rhythm.random() / 2));
        // Who would come too late is told now.
        if (rhythm.clock.monotonicMs() + delayMs >= untilMs) throw error;
        await rhythm.pause(delayMs, AbortSignal.any([deadline, dropped])).catch(() => { throw dropped.aborted ? takenBack() : error; });
        if (dropped.aborted) throw takenBack();
      }
    }
  }
}

function takenBack(): SourceError {
  return new SourceError("revoked", "the credential was taken back while it was fetched");
}
