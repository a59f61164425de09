import type { LifecycleRecord } from "../../model/record.ts";
import type { LeaseBook } from "./lease-book.ts";
import { backOffMs, type Rhythm } from "../rhythm.ts";
import { SourceError, type Lease, type SourceFault } from "../secret-source.ts";

/** For whom something is leased. */
export interface LeaseOwner {
  readonly grant: string;
  /** Where the secret is from, as the record names it. */
  readonly place: string;
  /** Empty for what all instances share. */
  readonly instance: string;
  readonly thread: string;
}

export type CredentialEvent = Pick<LifecycleRecord, "event" | "outcome" | "fields">;

export interface DeskOptions {
  readonly rhythm: Rhythm;
  /** Null where nothing is written down: what a killed process had leased then ends by its own time. */
  readonly book: LeaseBook | null;
  /** For the audit log. Must not throw. */
  readonly onEvent: (event: CredentialEvent) => void;
}

/** Leases of one grant that are given back at a time; the others wait. A store must not be flooded by the end of a thousand instances. */
const AT_ONCE = 16;
/** Leases of one grant on their way back, with which no more is leased for it: whatever leases and takes nothing back must not fill the memory. */
const RETURNING_LIMIT = 1_024;
/** A lease of unknown length that is not in the book is tried for so long. */
const UNKNOWN_LIFE_MS = 24 * 3_600_000;
const REVOKE_TIMEOUT_MS = 5_000;
const RETRY = { firstMs: 200, longestMs: 10_000 } as const;
/** Tries, over some minutes, for what is not in the book and is refused: nobody but its own secret could take it back, and that may have ended with it. */
const UNBOOKED_TRIES = 30;

/** By the grant, which is nobody else's; not by the place, which another tenant could name too. Tokens are of no grant. */
const keyOf = ({ grant, place }: LeaseOwner): string => (grant === "" ? `token ${place}` : grant);

/** What the desk has to do for one grant, so that a store that hangs holds up no other's. */
class Place {
  returning = 0;
  #free = AT_ONCE;
  readonly #waiting: (() => void)[] = [];

  async do<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => { this.#waiting.push(resolve); });
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/**
 * Where leases are written down before they are used, and given back after: tried again until the store confirms, for as long as the process runs;
 * what is in no book, no longer than it lives, nor for more than minutes if the store only refuses.
 */
export class LeaseDesk {
  readonly #options: DeskOptions;
  readonly #stop = new AbortController();
  readonly #returning = new Map<Lease, Promise<void>>();
  readonly #tasks = new Set<Promise<void>>();
  /** Those that something is on its way back to, by grant. */
  readonly #places = new Map<string, Place>();
  /** Leases that are out, and when they end by themselves, by the monotonic clock. */
  readonly #out = new Map<Lease, { readonly isToken: boolean; endsAtMs: number }>();

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Leases that are out, those on their way back among them; tokens that things are leased with are none. */
  get out(): number {
    return [...this.#out.values()].filter(({ isToken }) => !isToken).length;
  }

  /** @throws SourceError `resting` if so much of this grant waits to be given back that no more is leased for it */
  requireRoom(owner: LeaseOwner): void {
    if ((this.#places.get(keyOf(owner))?.returning ?? 0) >= RETURNING_LIMIT) throw new SourceError("resting", "too many leases wait to be taken back");
  }

  /**
   * Resolves when it is on disk that this is leased.
   * @param lifetimeMs null if that is not known
   * @throws SourceError `unsafe` if it cannot be written; it is given back then
   */
  async enter(lease: Lease, owner: LeaseOwner, lifetimeMs: number | null = null): Promise<void> {
    this.#out.set(lease, { isToken: owner.grant === "", endsAtMs: this.#inMs(lifetimeMs ?? UNKNOWN_LIFE_MS) });
    try {
      if (lease.reclaim !== undefined) await this.#options.book?.enter(lease.reclaim, owner, this.#options.rhythm.clock.nowMs());
    } catch {
      void this.giveBack(lease, owner, "it could not be written down");
      throw new SourceError("unsafe", "the lease could not be written down");
    }
    this.#tell(["credential.leased", "succeeded"], lease, owner);
  }

  renewed(lease: Lease, owner: LeaseOwner, grantedMs: number): void {
    const out = this.#out.get(lease);
    if (out !== undefined) out.endsAtMs = this.#inMs(grantedMs);
    this.#tell(["credential.renewed", "succeeded"], lease, owner, { for_ms: Math.round(grantedMs) });
  }

  notRenewed(lease: Lease, owner: LeaseOwner, fault: SourceFault): void {
    this.#tell(["credential.renewed", "failed"], lease, owner, { fault });
  }

  /** Runs what keeps a lease alive; its signal aborts when the desk closes. What fails to be kept ends by its own time. */
  keep(task: (stopping: AbortSignal) => Promise<void>): void {
    const running = task(this.#stop.signal).catch(() => undefined).finally(() => this.#tasks.delete(running));
    this.#tasks.add(running);
  }

  /** Resolves when the store has confirmed it, or the desk is closed. Never rejects. */
  giveBack(lease: Lease, owner: LeaseOwner, why: string): Promise<void> {
    let returning = this.#returning.get(lease);
    if (returning === undefined) {
      const place = this.#places.get(keyOf(owner)) ?? new Place();
      this.#places.set(keyOf(owner), place);
      place.returning += 1;
      returning = this.#giveBack(lease, { owner, place }, why).finally(() => {
        this.#returning.delete(lease);
        place.returning -= 1;
        if (place.returning === 0) this.#places.delete(keyOf(owner));
      });
      this.#returning.set(lease, returning);
    }
    return returning;
  }

  /** Takes out of the book what the store has taken back in another way. */
  async strike(lease: Lease): Promise<void> {
    this.#out.delete(lease);
    if (lease.reclaim !== undefined) await this.#options.book?.strike(lease.reclaim).catch(() => undefined);
  }

  /** Nothing could be leased. */
  notLeased({ grant, place, instance, thread }: LeaseOwner, fault: SourceFault): void {
    this.#options.onEvent({ event: "credential.leased", outcome: "failed", fields: { grant, source: place, instance, thread, fault } });
  }

  /** What was not given back by now stays in the book, for the next process. */
  async close(): Promise<void> {
    this.#stop.abort(new Error("closing"));
    await Promise.allSettled([...this.#tasks, ...this.#returning.values()]);
    await this.#options.book?.close();
  }

  async #giveBack(lease: Lease, { owner, place }: { readonly owner: LeaseOwner; readonly place: Place }, why: string): Promise<void> {
    const { pause, random } = this.#options.rhythm;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const fault = await place.do(async () => this.#revoke(lease));
      if (fault === null) {
        await this.strike(lease);
        this.#tell(["credential.revoked", "succeeded"], lease, owner, { why });
        return;
      }
      if (failures === 0) this.#tell(["credential.revoked", "failed"], lease, owner, { why, fault });
      if (lease.reclaim === undefined && (this.#isOver(lease) || fault === "forbidden" && failures + 1 >= UNBOOKED_TRIES)) {
        this.#out.delete(lease);
        return;
      }
      await pause(backOffMs(failures, RETRY, random), signal).catch(() => undefined);
    }
  }

  async #revoke(lease: Lease): Promise<SourceFault | null> {
    try {
      await lease.revoke(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(REVOKE_TIMEOUT_MS)]));
      return null;
    } catch (error) {
      return error instanceof SourceError ? error.fault : "down";
    }
  }

  /** It has ended by itself. */
  #isOver(lease: Lease): boolean {
    const out = this.#out.get(lease);
    return out !== undefined && this.#options.rhythm.clock.monotonicMs() >= out.endsAtMs;
  }

  #inMs(lifetimeMs: number): number {
    return this.#options.rhythm.clock.monotonicMs() + lifetimeMs;
  }

  #tell([event, outcome]: readonly [string, CredentialEvent["outcome"]], { id: lease }: Lease, owner: LeaseOwner, more: CredentialEvent["fields"] = {}): void {
    const { grant, place, instance, thread } = owner;
    const who = { ...(grant === "" ? {} : { grant }), ...(instance === "" ? {} : { instance }), ...(thread === "" ? {} : { thread }) };
    this.#options.onEvent({ event, outcome, fields: { source: place, lease, ...who, ...more } });
  }
}
