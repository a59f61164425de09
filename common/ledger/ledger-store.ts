import { AMOUNT_LIMIT } from "../meters.ts";
import type { AccountSpec } from "./account.ts";

/**
 * Where budgets are counted for all node proxies together. Proxies never ask it for a request: they hold slices of counts, one for each account and
 * window, and ask when a slice does not do. Invariant in the store at every instant, for each account and window:
 * settled + Σ outstanding of all slices ≤ limit (a limit that is lowered below what is out stops everything new).
 *
 * All numbers of a slice are cumulative, so that saying a thing twice changes nothing: outstanding = granted − used − returned.
 */
export interface LedgerStore {
  /**
   * Raises the caller's slices of all these accounts in one step: each by at least `need`, or nothing changes anywhere.
   * Idempotent: what a lost answer granted is granted again, not anew.
   * @throws LedgerUnavailable if it is not known whether it took place; ClaimRefused
   */
  acquire(holder: string, claims: readonly Claim[]): Promise<Acquired>;
  /**
   * Takes note of what became of slices. Idempotent. A slice that the store does not know is answered with `isKnown: false`.
   * @throws LedgerUnavailable
   */
  report(holder: string, reports: readonly SliceReport[]): Promise<Reported>;
  /** Slices of a holder that are not over: for one that comes back after a crash. @throws LedgerUnavailable */
  slicesOf(holder: string): Promise<readonly HeldSlice[]>;
  /** Accounts and how they stand in their current windows, for people. Ordered by budget and key. @throws LedgerUnavailable */
  standings(filter: StandingFilter): Promise<readonly Standing[]>;
  /** An operator's word on a budget. @returns the standings it changed, afterwards @throws AmountUnfit; LedgerUnavailable */
  adjust(adjustment: Adjustment): Promise<readonly Standing[]>;
  close(): Promise<void>;
}

/** The store did not answer, or it is not known what it did. Nothing may be concluded from it. */
export class LedgerUnavailable extends Error {
  override readonly name = "LedgerUnavailable";
}

/** The ledger is there, and does not count this: its caller knows a budget that is no more, or is another by now. Asking again brings the same. */
export class ClaimRefused extends Error {
  override readonly name = "ClaimRefused";
}

/** An amount, or what it would come to, is none that a ledger keeps. */
export class AmountUnfit extends RangeError {
  override readonly name = "AmountUnfit";

  constructor() {
    super(`the sum is more than a ledger keeps (${AMOUNT_LIMIT})`);
  }
}

export interface Claim {
  readonly account: AccountSpec;
  /** Start of the window of the slice that the caller holds, wall-clock milliseconds; null if it holds none. Another window begins with `known` 0. */
  readonly windowStartMs: number | null;
  /** What the caller knows to be granted to it in that window. */
  readonly known: bigint;
  /** Least that must be added to `known`. */
  readonly need: bigint;
  /** What it would like; the store gives less where the account gets scarce, never less than `need`. */
  readonly want: bigint;
}

export interface Grant {
  readonly key: string;
  readonly windowStartMs: number;
  /** Wall-clock milliseconds; null for a window that does not end. */
  readonly windowEndMs: number | null;
  /** All that was ever granted to the holder in this window. */
  readonly granted: bigint;
  /** The limit that counts now: with what operators changed, and no more than an `ask` threshold lets through. */
  readonly limit: bigint;
  /** Of all holders together, this grant included. */
  readonly settled: bigint;
  readonly outstanding: bigint;
  /** How long the slice lasts without a report, in milliseconds. */
  readonly ttlMs: number;
}

/** Why nothing was granted: the account that has no room. */
export interface Shortage {
  readonly key: string;
  readonly windowStartMs: number;
  readonly windowEndMs: number | null;
  readonly limit: bigint;
  readonly settled: bigint;
  readonly outstanding: bigint;
  /** What is free: max(0, limit − settled − outstanding). */
  readonly left: bigint;
  /**
   * True while other holders may give back what they do not need: they are asked to with their next report. The caller should ask again after
   * `retryAfterMs`; when it turns false, the refusal is exact.
   */
  readonly isProvisional: boolean;
  readonly retryAfterMs: number;
  /** The threshold that waits for a person, in per cent; null if the limit itself is reached. */
  readonly waitsAtPercent: number | null;
}

export type Acquired = { readonly kind: "granted"; readonly grants: readonly Grant[]; readonly crossings: readonly Crossing[] }
  | { readonly kind: "short"; readonly shortages: readonly Shortage[]; readonly crossings: readonly Crossing[] };

/** A threshold that was crossed just now; each is told once in a window, to one caller. */
export interface Crossing {
  readonly key: string;
  readonly budget: string;
  readonly percent: number;
  readonly action: "notify" | "ask";
  readonly settled: bigint;
  readonly limit: bigint;
}

export interface SliceReport {
  readonly key: string;
  readonly windowStartMs: number;
  /** Settled out of it so far. */
  readonly used: bigint;
  /** Of that, what is an estimate. */
  readonly estimated: bigint;
  /** Given back so far. Used + returned ≤ granted. */
  readonly returned: bigint;
  /** Nothing will be used any more: whatever else is outstanding is given back too. */
  readonly isOver: boolean;
}

export interface Reported {
  readonly slices: readonly {
    readonly key: string;
    readonly windowStartMs: number;
    readonly isKnown: boolean;
    /** Somebody else waits: give back what no open request needs. */
    readonly isWanted: boolean;
    readonly limit: bigint;
    readonly settled: bigint;
    readonly outstanding: bigint;
    /** Used over the limit, out of what was written off while the caller was silent and others have spent since. Told once, settled nowhere. */
    readonly overspent: bigint;
  }[];
  readonly crossings: readonly Crossing[];
}

export interface HeldSlice {
  readonly key: string;
  readonly windowStartMs: number;
  readonly granted: bigint;
  readonly used: bigint;
  readonly returned: bigint;
}

export interface StandingFilter {
  /** Only of this budget. */
  readonly budget?: string;
  /** Only these, by the keys of their accounts; at most 256. */
  readonly keys?: readonly string[];
  /** Most that are returned; at most 10,000. */
  readonly limit: number;
}

export interface Standing {
  readonly account: AccountSpec;
  readonly windowStartMs: number;
  readonly windowEndMs: number | null;
  /** What counts: the account's limit, or what an operator set instead, plus top-ups of this window. */
  readonly limit: bigint;
  readonly settled: bigint;
  /** Of what is settled. */
  readonly estimated: bigint;
  /** In slices of live holders. */
  readonly outstanding: bigint;
  /** In slices whose holder has been silent for longer than the TTL: counted as spent until it comes back and says what it was. */
  readonly lost: bigint;
  readonly topUp: bigint;
  readonly waitsAtPercent: number | null;
}

/** To all accounts of a budget, or to the one of this key. `by` and `why` are for the record. */
export type Adjustment = {
  readonly budget: string;
  readonly key?: string;
  readonly by: string;
  readonly why: string;
} & (
  /** Another limit than the configured one from now on; null: the configured one again. */
  | { readonly kind: "set"; readonly limit: bigint | null }
  /** More, in the current window only. */
  | { readonly kind: "topup"; readonly amount: bigint }
  /** Settled begins anew at 0 in the current window; what is outstanding stays. Lost slices are written off. */
  | { readonly kind: "reset" }
  /** A person lets spending go on past the threshold that waits. */
  | { readonly kind: "approve" }
);
