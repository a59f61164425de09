import type { LifecycleRecord } from "../model/record.ts";
import type { LeaseBook } from "./lease-book.ts";
import { backOffMs, type Rhythm } from "./rhythm.ts";
import { SourceError, type Lease, type SourceFault } from "./secret-source.ts";

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

/** Leases that are given back at a time; the others wait. A store must not be flooded by the end of a thousand instances. */
const AT_ONCE = 16;
const REVOKE_TIMEOUT_MS = 5_000;
const RETRY = { firstMs: 200, longestMs: 10_000 } as const;
/** Tries, over some three minutes, for what is not in the book: nobody but its own secret could take it back, and that may have ended with it. */
const UNBOOKED_TRIES = 30;

/** Where leases are written down before they are used, and given back after: tried again until the store confirms, for as long as the process runs; what is in no book, for a few minutes. */
export class LeaseDesk {
  readonly #options: DeskOptions;
  readonly #stop = new AbortController();
  readonly #returning = new Map<Lease, Promise<void>>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #places = AT_ONCE;
  #out = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Leases that are out, those on their way back among them. */
  get out(): number {
    return this.#out;
  }

  /** Resolves when it is on disk that this is leased. @throws SourceError `unsafe` if it cannot be written; it is given back then */
  async enter(lease: Lease, owner: LeaseOwner): Promise<void> {
    this.#out += 1;
    try {
      if (lease.reclaim !== undefined) await this.#options.book?.enter(lease.reclaim, owner, this.#options.rhythm.clock.nowMs());
    } catch {
      void this.giveBack(lease, owner, "it could not be written down");
      throw new SourceError("unsafe", "the lease could not be written down");
    }
    this.#tell(["credential.leased", "succeeded"], lease, owner);
  }

  renewed(lease: Lease, owner: LeaseOwner, grantedMs: number): void {
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
      returning = this.#giveBack(lease, owner, why).finally(() => { this.#returning.delete(lease); });
      this.#returning.set(lease, returning);
    }
    return returning;
  }

  /** Takes out of the book what the store has taken back in another way. */
  async strike(lease: Lease): Promise<void> {
    this.#out -= 1;
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

  async #giveBack(lease: Lease, owner: LeaseOwner, why: string): Promise<void> {
    const { pause, random } = this.#options.rhythm;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const fault = await this.#revoke(lease);
      if (fault === null) {
        await this.strike(lease);
        this.#tell(["credential.revoked", "succeeded"], lease, owner, { why });
        return;
      }
      if (failures === 0) this.#tell(["credential.revoked", "failed"], lease, owner, { why, fault });
      if (lease.reclaim === undefined && failures + 1 >= UNBOOKED_TRIES) {
        this.#out -= 1;
        return;
      }
      await pause(backOffMs(failures, RETRY, random), signal).catch(() => undefined);
    }
  }

  async #revoke(lease: Lease): Promise<SourceFault | null> {
    await this.#place();
    try {
      await lease.revoke(AbortSignal.any([this.#stop.signal, AbortSignal.timeout(REVOKE_TIMEOUT_MS)]));
      return null;
    } catch (error) {
      return error instanceof SourceError ? error.fault : "down";
    } finally {
      this.#places += 1;
      this.#waiting.shift()?.();
    }
  }

  async #place(): Promise<void> {
    while (this.#places === 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    this.#places -= 1;
  }

  #tell([event, outcome]: readonly [string, CredentialEvent["outcome"]], { id: lease }: Lease, owner: LeaseOwner, more: CredentialEvent["fields"] = {}): void {
    const { grant, place, instance, thread } = owner;
    const who = { ...(grant === "" ? {} : { grant }), ...(instance === "" ? {} : { instance }), ...(thread === "" ? {} : { thread }) };
    this.#options.onEvent({ event, outcome, fields: { source: place, lease, ...who, ...more } });
  }
}
