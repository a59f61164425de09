import { AMOUNT_LIMIT } from "../meters.ts";
import type { AccountSpec, Threshold } from "./account.ts";
import type { WindowBounds } from "./windows.ts";

/** An account as the store keeps it. Whoever changes its windows or slices holds its lock. */
export interface AccountRow {
  readonly spec: AccountSpec;
  /** What an operator set for this account instead of the configured limit, and for all of its budget. */
  readonly setLimit: bigint | null;
  readonly budgetLimit: bigint | null;
  /** The window it counts in; null before the first. */
  readonly open: WindowBounds | null;
}

/** The count of one account in one window. */
export interface WindowRow {
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly settled: bigint;
  /** Of what is settled. */
  readonly estimated: bigint;
  /** Of all slices together, lost ones too. */
  readonly outstanding: bigint;
  readonly topUp: bigint;
  /** A person has let spending go on past this share of the limit, in per cent. */
  readonly approvedPercent: number;
  /** Thresholds that somebody was told of, `80:notify`. */
  readonly told: readonly string[];
  /** When somebody last found too little; null if nobody did. */
  readonly wantedAtMs: number | null;
  /** Counts the times at which all holders were asked to give back. */
  readonly wantRound: number;
}

/** What one holder has of an account in one window. All amounts only go up. */
export interface SliceRow {
  readonly holder: string;
  readonly key: string;
  readonly windowStartMs: number;
  readonly granted: bigint;
  readonly used: bigint;
  readonly estimated: bigint;
  readonly returned: bigint;
  /** Freed by an operator while the holder was silent; taken back as far as there is room when it speaks again. */
  readonly writtenOff: bigint;
  readonly isOver: boolean;
  /** When the holder last spoke of it. */
  readonly heardAtMs: number;
  /** The last round in which it was asked to give back, and the last in which it had the chance to. */
  readonly toldRound: number;
  readonly answeredRound: number;
}

/** Everything there is to know for one holder's dealings with one account in one window. */
export interface Page {
  readonly account: AccountRow;
  readonly window: WindowRow;
  readonly slice: SliceRow;
}

/** The window somebody means. */
export interface Place {
  readonly key: string;
  readonly startMs: number;
}

export function newWindow(key: string, { startMs, endMs }: WindowBounds): WindowRow {
  return { key, startMs, endMs, settled: 0n, estimated: 0n, outstanding: 0n, topUp: 0n, approvedPercent: 0, told: [], wantedAtMs: null, wantRound: 0 };
}

export function newSlice(holder: string, { key, startMs }: Place, heardAtMs: number): SliceRow {
  const nothing = { granted: 0n, used: 0n, estimated: 0n, returned: 0n, writtenOff: 0n };
  return { holder, key, windowStartMs: startMs, ...nothing, isOver: false, heardAtMs, toldRound: 0, answeredRound: 0 };
}

export function outstandingOf({ granted, used, returned, writtenOff }: SliceRow): bigint {
  return granted - used - returned - writtenOff;
}

/** True for a holder that has said nothing for longer than the TTL. One that spoke far in the future did so before a clock was set back. */
export function isSilent({ heardAtMs }: SliceRow, { nowMs, ttlMs }: { readonly nowMs: number; readonly ttlMs: number }): boolean {
  return Math.abs(nowMs - heardAtMs) > ttlMs;
}

/** The configured limit, or what an operator set instead, plus the top-ups of the window. */
export function limitOf({ spec, setLimit, budgetLimit }: AccountRow, { topUp }: WindowRow): bigint {
  const limit = (setLimit ?? budgetLimit ?? spec.limit) + topUp;
  return limit > AMOUNT_LIMIT ? AMOUNT_LIMIT : limit;
}

/** The threshold that lets no more through until a person has approved it; null if none does. One at 100 % is the limit itself. */
export function askInForce({ spec }: AccountRow, { approvedPercent }: WindowRow): Threshold | null {
  const asks = spec.thresholds.filter(({ action, percent }) => action === "ask" && percent < 100 && percent > approvedPercent);
  return asks.reduce<Threshold | null>((lowest, ask) => (lowest === null || ask.percent < lowest.percent ? ask : lowest), null);
}

/** What settled and outstanding together may come to now: the limit, or as much of it as a threshold lets through. */
export function ceilingOf(account: AccountRow, window: WindowRow): bigint {
  const ask = askInForce(account, window);
  const limit = limitOf(account, window);
  return ask === null ? limit : limit * BigInt(ask.percent) / 100n;
}

/** Ceiling less settled less outstanding; below zero where the limit was lowered. */
export function roomOf(account: AccountRow, window: WindowRow): bigint {
  return ceilingOf(account, window) - window.settled - window.outstanding;
}

export function least(first: bigint, second: bigint): bigint {
  return first < second ? first : second;
}

export function most(first: bigint, second: bigint): bigint {
  return first > second ? first : second;
}
