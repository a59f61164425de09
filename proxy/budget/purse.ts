import type { AccountSpec } from "../../common/ledger/account.ts";
import type { Grant, Reported, Shortage, Standing } from "../../common/ledger/ledger-store.ts";
import { AMOUNT_LIMIT } from "../../common/meters.ts";
import type { Limit } from "./limits.ts";
import { Pace } from "./pace.ts";
import { Slice } from "./slice.ts";

/** What of a count the store has last said, and what it then knew of us. */
interface LastAnswer {
  readonly windowStartMs: number;
  readonly windowEndMs: number | null;
  readonly limit: bigint;
  readonly settled: bigint;
  readonly outstanding: bigint;
  readonly own: { readonly used: bigint; readonly outstanding: bigint };
}

type Told = Pick<Grant, "windowStartMs" | "limit" | "settled" | "outstanding">;

/** How a count stands, as far as this process knows. */
export interface Known {
  readonly limit: bigint;
  readonly settled: bigint;
  readonly reserved: bigint;
}

/** When the store's clock is behind ours, it opens the window again that is over here: then it may be used for so long. */
const BEHIND_MS = 250;
const SKEW_MS = 10_000;
/** Others give back what they do not need within so long. */
const FRESH_MS = 500;

/** This process's part of one count: the slice of the window that runs, slices of windows that are over, and what the store last said. */
export class Purse {
  limit: Limit;
  spec: AccountSpec;
  readonly pace = new Pace();
  /** Requests that wait for room, and how much they wait for. */
  waiting = 0;
  waitingFor = 0n;
  /** The store is being asked for more. */
  isAsked = false;
  /** Reservations that are open. */
  holders = 0;
  /** Used without a slice, because the budget lets requests through while the ledger is lost, or because more was used than was held. */
  debt = 0n;
  /** Why the store last gave nothing, until it gives something. */
  shortage: Shortage | null = null;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #current: Slice | null = null;
  #past: Slice[] = [];
  #last: LastAnswer | null = null;

  constructor(limit: Limit, spec: AccountSpec) {
    this.limit = limit;
    this.spec = spec;
  }

  get key(): string { return this.spec.key; }

  get slices(): readonly Slice[] {
    return this.#current === null ? this.#past : [...this.#past, this.#current];
  }

  /** The slice that the store knows as ours: of the window that runs, or of the last one. */
  get newest(): Slice | null {
    return this.#current ?? this.#past.at(-1) ?? null;
  }

  /** A slice is being ended: until the store has confirmed it, no other is taken. */
  get isEnding(): boolean {
    return this.slices.some(({ isOver }) => isOver);
  }

  /** The store has said something of it. */
  get isTold(): boolean {
    return this.#last !== null;
  }

  /** Nothing would be lost with it. */
  get isIdle(): boolean {
    return this.holders === 0 && this.waiting === 0 && !this.isAsked && this.debt === 0n && this.#current === null && this.#past.length === 0;
  }

  /** The slice to take from now; null if there is none, or its window is over. */
  slice(nowMs: number): Slice | null {
    const slice = this.#current;
    if (slice === null || slice.isVoid || slice.isOver || (slice.endsAtMs !== null && nowMs >= slice.endsAtMs)) return null;
    return slice;
  }

  free(nowMs: number): bigint {
    return this.slice(nowMs)?.free ?? 0n;
  }

  /** Takes what the store gave. @returns the slice, for the journal */
  receive(grant: Grant, nowMs: number): Slice {
    const slice = this.#sliceOf(grant.windowStartMs) ?? new Slice(this.key, grant.windowStartMs, grant.windowEndMs);
    slice.endsAtMs = grant.windowEndMs !== null && nowMs >= grant.windowEndMs ? nowMs + BEHIND_MS : grant.windowEndMs;
    slice.grow(grant.granted);
    if (this.#current !== slice && (this.#current === null || this.#current.windowStartMs < slice.windowStartMs)) this.#turnTo(slice);
    this.shortage = null;
    this.#note(grant, grant.windowEndMs, slice);
    return slice;
  }

  /** Takes a no. @param monotonicMs when it came */
  refuse(shortage: Shortage, monotonicMs: number): void {
    this.shortage = shortage;
    this.#refusedAtMs = monotonicMs;
    this.#note(shortage, shortage.windowEndMs, this.#sliceOf(shortage.windowStartMs));
  }

  /** Takes what the store says to a report. @returns false if the slice is not one of ours any more */
  heard(said: Reported["slices"][number], was: { readonly used: bigint; readonly returned: bigint; readonly isOver: boolean }): boolean {
    const slice = this.#sliceOf(said.windowStartMs);
    if (slice === null) return false;
    slice.reported = { used: was.used, returned: was.returned };
    if (was.isOver || !said.isKnown) this.#drop(slice, said.isKnown);
    if (said.isKnown) this.#note(said, slice.windowEndMs, slice);
    return true;
  }

  /** Takes what the store says of a count to whoever only looks; where something is held, the answers to its reports say more. */
  look({ account, windowStartMs, windowEndMs, limit, settled, outstanding, lost, topUp }: Standing): void {
    if (this.slices.length > 0) return;
    // The store learns of a limit that was configured anew with the next request: until then it goes by the old one.
    const ours = limit === account.limit + topUp ? this.spec.limit + topUp : limit;
    this.#note({ windowStartMs, limit: ours < AMOUNT_LIMIT ? ours : AMOUNT_LIMIT, settled, outstanding: outstanding + lost }, windowEndMs, null);
  }

  /** Lets go of windows that are over: what is still open in them stays until it is settled. Called now and then. */
  endWindows(nowMs: number): void {
    const slice = this.#current;
    if (slice !== null && !slice.isOver && this.slice(nowMs) === null) {
      this.#past.push(slice);
      this.#current = null;
    }
    // Not at once: to a store whose clock is behind, the window may still be open.
    for (const past of this.#past) past.isOver ||= past.reserved === 0n && past.endsAtMs !== null && nowMs >= past.endsAtMs + SKEW_MS;
  }

  /** Ends the slices that hold nothing open. */
  end(): void {
    for (const slice of this.slices) slice.isOver ||= slice.reserved === 0n;
  }

  /** Ends all slices: what is open is charged as it was held, and nothing of it is counted any more afterwards. */
  chargeAll(): void {
    for (const slice of this.slices) slice.settle(slice.reserved, slice.reserved, slice.reserved);
    this.end();
  }

  /** True while a no of the store is so fresh that asking again would bring the same. */
  isExhausted(monotonicMs: number): boolean {
    return this.shortage?.isProvisional === false && monotonicMs - this.#refusedAtMs < FRESH_MS;
  }

  /** How its window stands: what the store last said of all holders, with our own use since. What others hold counts as reserved. */
  known(nowMs: number): Known {
    const last = this.#last;
    if (last === null || hasEnded(last, nowMs)) return { limit: last?.limit ?? this.spec.limit, settled: 0n, reserved: 0n };
    const slice = this.#sliceOf(last.windowStartMs);
    const others = last.outstanding - last.own.outstanding;
    return {
      limit: last.limit,
      settled: last.settled + (slice === null ? 0n : slice.used - last.own.used),
      reserved: (slice?.reserved ?? 0n) + (others > 0n ? others : 0n),
    };
  }

  /** What the store had left of its window when it last said something; the limit if it never did. */
  left(nowMs: number): bigint {
    const last = this.#last;
    if (last === null || hasEnded(last, nowMs)) return last?.limit ?? this.spec.limit;
    const left = last.limit - last.settled - last.outstanding;
    return left > 0n ? left : 0n;
  }

  /** The limit that counts has changed: what was said of the old one is no reason to refuse any more. */
  relimit(limit: Limit, spec: AccountSpec): void {
    this.limit = limit;
    this.spec = spec;
    this.shortage = null;
    if (this.#last !== null) this.#last = { ...this.#last, limit: spec.limit };
  }

  #turnTo(slice: Slice): void {
    this.#past = this.#past.filter((one) => one !== slice);
    if (this.#current !== null) this.#past.push(this.#current);
    this.#current = slice;
  }

  #sliceOf(windowStartMs: number): Slice | null {
    if (this.#current?.windowStartMs === windowStartMs) return this.#current;
    return this.#past.find((slice) => slice.windowStartMs === windowStartMs) ?? null;
  }

  #drop(slice: Slice, isKnown: boolean): void {
    slice.isVoid ||= !isKnown;
    if (slice === this.#current) this.#current = null;
    this.#past = this.#past.filter((one) => one !== slice);
  }

  #note({ windowStartMs, limit, settled, outstanding }: Told, windowEndMs: number | null, slice: Slice | null): void {
    if (this.#last !== null && windowStartMs < this.#last.windowStartMs) return;
    const own = slice === null ? { used: 0n, outstanding: 0n } : { used: slice.reported.used, outstanding: slice.granted - slice.reported.used - slice.reported.returned };
    this.#last = { windowStartMs, windowEndMs, limit, settled, outstanding, own };
  }
}

function hasEnded({ windowEndMs }: LastAnswer, nowMs: number): boolean {
  return windowEndMs !== null && nowMs >= windowEndMs;
}
