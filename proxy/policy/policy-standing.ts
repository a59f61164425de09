import type { Clock } from "../../common/clock.ts";
import { UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import type { Log } from "../../common/log.ts";
import type { LifecycleRecord } from "../model/record.ts";
import { UnreachableError } from "./bundles/fetch-bundle.ts";
import type { Offer, PolicySource } from "./policy-source.ts";

/** A policy was put in force, or a new one was not fit and the last good one stays; for the audit. */
export type PolicyEvent = Pick<LifecycleRecord, "event" | "outcome" | "fields">;

/** How it stands with the policy, for metrics. */
export interface PolicyState {
  /** When the one in force came into force, in milliseconds since the epoch. */
  readonly loadedAtMs: number;
  /** When the server of bundles last answered, were it that nothing changed; since the epoch. Null where there is no server. */
  readonly checkedAtMs: number | null;
  /** Policies that were not fit, since the start. */
  readonly refused: number;
  /** Why what its source has now is not in force; null: it is. */
  readonly trouble: string | null;
}

interface Witnesses {
  readonly log: Log;
  readonly clock: Clock;
  readonly onEvent?: (event: PolicyEvent) => void;
}

/** Says what becomes of policies, in log and audit, and keeps how it stands. A server that fails is reported once, and once when it is back. */
export class PolicyStanding {
  readonly #source: string;
  readonly #isRemote: boolean;
  readonly #witnesses: Witnesses;
  #state: PolicyState;
  #isUnreachable = false;

  constructor(source: Pick<PolicySource, "name" | "isRemote">, witnesses: Witnesses) {
    this.#source = source.name;
    this.#isRemote = source.isRemote === true;
    this.#witnesses = witnesses;
    const nowMs = witnesses.clock.nowMs();
    this.#state = { loadedAtMs: nowMs, checkedAtMs: this.#isRemote ? nowMs : null, refused: 0, trouble: null };
  }

  get state(): PolicyState {
    return this.#state;
  }

  /** A policy came into force: named by its revision, told from others by its digest. */
  loaded({ bundle: { revision }, digest, signer }: Offer): void {
    const nowMs = this.#witnesses.clock.nowMs();
    this.#state = { ...this.#state, loadedAtMs: nowMs };
    this.#report({ event: "policy.loaded", outcome: "succeeded", fields: { source: this.#source, revision, digest, ...(signer === undefined ? {} : { signer }) } });
  }

  /** The source answered. @param isInForce false: what it has was refused before, and is still the same */
  answered(isInForce: boolean): void {
    this.#state = { ...this.#state, checkedAtMs: this.#isRemote ? this.#witnesses.clock.nowMs() : null, ...(isInForce ? { trouble: null } : {}) };
    if (!this.#isUnreachable) return;
    this.#isUnreachable = false;
    this.#report({ event: "policy.reachable", outcome: "succeeded", fields: { source: this.#source } });
  }

  /** @param kept the revision that stays in force */
  failed(error: unknown, kept: string): void {
    // What a person reads of it says the cause already.
    const fields = { source: this.#source, error: error instanceof UserError ? error.message : describeError(error), kept };
    if (!(error instanceof UnreachableError)) {
      this.#state = { ...this.#state, refused: this.#state.refused + 1, trouble: fields.error };
      this.#report({ event: "policy.refused", outcome: "failed", fields });
    } else if (!this.#isUnreachable) {
      this.#isUnreachable = true;
      this.#report({ event: "policy.unreachable", outcome: "failed", fields });
    }
  }

  #report(event: PolicyEvent): void {
    this.#witnesses.log[event.outcome === "failed" ? "error" : "info"](event.event, event.fields);
    this.#witnesses.onEvent?.(event);
  }
}
