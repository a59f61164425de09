import type { Clock } from "../../common/clock.ts";
import { KubeError, type KubeApi, type ObjectRef } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import { changedLease, newLease, readLease, type LeaseRecord } from "./lease-record.ts";
import { instantOf, RenewedTerm, type TermLimits } from "./term.ts";

export interface CandidateSettings {
  /** Unique to this process: two of the same name would both believe that they lead. */
  readonly identity: string;
  readonly lease: ObjectRef;
  readonly leaseDurationMs: number;
  readonly limits: TermLimits;
}

/** What came of a renewal; `unsettled`: the Lease changed meanwhile, the next try looks at it. */
export type Renewal = { readonly kind: "renewed" | "unsettled" } | { readonly kind: "lost"; readonly reason: string };

interface LeaseChange {
  readonly transitions: number;
  readonly holder: string;
  readonly isNewTerm: boolean;
}

/** What was seen last, and since when it has been so. */
interface Sight {
  readonly version: string;
  readonly durationMs: number;
  readonly sinceMs: number;
}

const NO_LEASE = "none";

/**
 * One process's dealings with the Lease. Every write is a compare-and-swap by resourceVersion. Another's Lease is over when it has not changed for its
 * duration by our own monotonic clock, counted from when we saw the last change: nobody else's clock is believed.
 */
export class Candidate {
  readonly #api: KubeApi;
  readonly #clock: Clock;
  readonly #settings: CandidateSettings;
  #seen: Sight | undefined;
  /** The Lease as we wrote it last; unknown after a write of which we did not hear. */
  #held: LeaseRecord | undefined;

  constructor(api: KubeApi, settings: CandidateSettings, clock: Clock) {
    this.#api = api;
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Looks at the Lease and takes it if nobody holds it. @returns null if somebody does, or was faster */
  async tryToWin(signal: AbortSignal): Promise<RenewedTerm | null> {
    const found = await this.#look(signal);
    if (!this.#isFree(found)) return null;
    const transitions = found === null ? 0 : found.transitions + 1;
    const begun = instantOf(this.#clock);
    const won = await this.#write(found, { transitions, holder: this.#settings.identity, isNewTerm: true }, signal);
    return won ? new RenewedTerm(transitions, begun, this.#clock, this.#settings.limits) : null;
  }

  /** @throws KubeError if it could not be found out: the term goes on for as long as it may */
  async renew(term: RenewedTerm, signal: AbortSignal): Promise<Renewal> {
    const sent = instantOf(this.#clock);
    const before = this.#held ?? await this.#look(signal);
    if (before === null) return { kind: "lost", reason: "the Lease was deleted" };
    if (!this.#isOurs(before, term)) return { kind: "lost", reason: `held by ${before.holder === "" ? "nobody" : before.holder}` };
    if (!await this.#write(before, { transitions: term.epoch, holder: this.#settings.identity, isNewTerm: false }, signal)) return { kind: "unsettled" };
    term.renewed(sent);
    return { kind: "renewed" };
  }

  /** Lets others take over at once. Only after the work has ended. */
  async release(term: RenewedTerm, signal: AbortSignal): Promise<void> {
    const before = this.#held ?? await this.#look(signal);
    if (before === null || !this.#isOurs(before, term)) return;
    await this.#write(before, { transitions: term.epoch, holder: "", isNewTerm: false }, signal);
  }

  #isOurs(lease: LeaseRecord, term: RenewedTerm): boolean {
    return lease.holder === this.#settings.identity && lease.transitions === term.epoch;
  }

  async #look(signal: AbortSignal): Promise<LeaseRecord | null> {
    const object = await this.#api.get(TYPES.leases, this.#settings.lease, signal);
    return object === null ? null : readLease(object);
  }

  /** A Lease that somebody deleted is waited for like one that is not renewed: its holder may not have noticed yet. */
  #isFree(found: LeaseRecord | null): boolean {
    const isFirstLook = this.#seen === undefined;
    const version = found?.version ?? NO_LEASE;
    const nowMs = this.#clock.monotonicMs();
    if (this.#seen?.version !== version) {
      this.#seen = { version, durationMs: Math.max(found?.durationMs ?? 0, this.#settings.leaseDurationMs), sinceMs: nowMs };
    }
    if (found === null && isFirstLook) return true;
    if (found !== null && ["", this.#settings.identity].includes(found.holder)) return true;
    return this.#seen !== undefined && nowMs - this.#seen.sinceMs >= this.#seen.durationMs;
  }

  /** @returns false if the Lease was not (any more) as it was seen */
  async #write(before: LeaseRecord | null, to: LeaseChange, signal: AbortSignal): Promise<boolean> {
    const holding = { holder: to.holder, transitions: to.transitions, durationMs: this.#settings.leaseDurationMs, nowMs: this.#clock.nowMs() };
    this.#held = undefined;
    try {
      const written = before === null
        ? await this.#api.create(TYPES.leases, newLease(this.#settings.lease, holding), signal)
        : await this.#api.replace(TYPES.leases, changedLease(before.object, holding, to.isNewTerm), {}, signal);
      this.#held = readLease(written);
      return true;
    } catch (error) {
      // 409: changed, or made by another. 404: deleted.
      if (error instanceof KubeError && [404, 409].includes(error.status)) return false;
      throw error;
    }
  }
}
