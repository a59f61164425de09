import type { Amounts, MeterName } from "../../common/meters.ts";
import { EgressError } from "../errors.ts";
import type { Direction, Reservation } from "./budget-ledger.ts";
import { describeExhaustion } from "./exhaustion.ts";
import type { Journal } from "./journal/journal.ts";
import type { LedgerContext } from "./ledger-context.ts";
import { COVERED_AHEAD_BYTES, flowOf, FLOWING, lowWater, needOf, type Need } from "./needs.ts";
import type { Purse } from "./purse.ts";
import type { Slice } from "./slice.ts";
import type { StoreDesk } from "./store-desk.ts";
import type { Unbacked, WaitingLine } from "./waiting-line.ts";

/** What reservations of one ledger share. */
export interface Till extends LedgerContext {
  readonly line: WaitingLine;
  readonly desk: StoreDesk;
  readonly journal: Journal;
  /** Charges what was used without being held, as far as there is room. Never rejects. */
  readonly pay: (purse: Purse) => Promise<void>;
  /** Something of it became free. */
  readonly freed: (purse: Purse) => void;
}

/** Held of one slice; of none where the ledger is lost and the budget lets it pass. */
interface Part {
  readonly slice: Slice | null;
  amount: bigint;
}

interface Hold {
  readonly purse: Purse;
  readonly parts: Part[];
}

/** One request's hold on several counts, each in the windows in which it was taken. */
export class SliceReservation implements Reservation {
  readonly #till: Till;
  readonly #holds: readonly Hold[];
  readonly #flows: readonly Hold[];
  readonly #onEnd: () => void;
  #isOpen = true;
  #refusal: EgressError | null = null;

  constructor(purses: readonly Purse[], till: Till, onEnd: () => void) {
    this.#till = till;
    this.#holds = purses.map((purse) => ({ purse, parts: [] }));
    this.#flows = this.#holds.filter(({ purse }) => FLOWING.has(purse.spec.meter));
    this.#onEnd = onEnd;
    for (const purse of purses) purse.holders += 1;
  }

  get refusal(): EgressError | null {
    return this.#refusal;
  }

  get refill(): Promise<void> | null {
    const dry = this.#flows.filter(({ purse }) => this.#isDry(purse));
    return dry.length === 0 ? null : Promise.all(dry.map(async ({ purse }) => this.#till.line.refill(flowOf(purse)))).then(() => undefined);
  }

  /** Holds what is needed, at once or when there is room. Resolves when the journal has it. @throws EgressError; nothing more is held then than before */
  async hold(amounts: Amounts, signal: AbortSignal): Promise<void> {
    const needs = this.#holds.map(({ purse }) => needOf(purse, amounts));
    const { line, journal } = this.#till;
    if (line.isClear(needs)) this.#take(needs);
    else await line.admit(needs, (unbacked) => { this.#take(needs, unbacked); }, signal);
    try {
      await journal.written();
    } catch (cause) {
      throw new EgressError("budget.unavailable", "what is held could not be written down", { cause });
    }
  }

  take(direction: Direction, bytes: number): boolean {
    if (!this.#isOpen || !Number.isSafeInteger(bytes) || bytes < 0) return false;
    if (this.#flows.length === 0 || bytes === 0) return true;
    const amount = BigInt(bytes);
    const meters: Amounts = { bytes: amount, [direction === "out" ? "bytes-out" : "bytes-in"]: amount };
    const nowMs = this.#till.clock.nowMs();
    const flows = this.#flows.filter(({ purse }) => meters[purse.spec.meter] !== undefined);
    const unbacked = new Set<Purse>();
    for (const { purse } of flows) {
      if (purse.free(nowMs) >= amount) continue;
      if (!this.#till.desk.isLost || purse.limit.whenLedgerIsLost === "deny") return this.#cut(describeExhaustion(purse, nowMs));
      unbacked.add(purse);
    }
    this.#take(flows.map(({ purse }) => ({ purse, amount, floor: amount, comfort: amount })), unbacked);
    return this.#isCovered(flows);
  }

  async extend(more: Amounts, signal: AbortSignal): Promise<boolean> {
    if (!this.#isOpen) return false;
    const needs = this.#holds.filter(({ purse }) => (more[purse.spec.meter] ?? 0n) > 0n && !FLOWING.has(purse.spec.meter));
    try {
      await this.#extend(needs.map(({ purse }) => needOf(purse, more)), signal);
      return true;
    } catch (error) {
      return this.#cut(error instanceof EgressError ? error : new EgressError("budget.unavailable", "the ledger failed", { cause: error }));
    }
  }

  async settle(used: Amounts, estimated: Amounts = {}): Promise<void> {
    await this.#end((meter) => used[meter] ?? 0n, (meter) => estimated[meter] ?? 0n);
  }

  async release(): Promise<void> {
    await this.#end(() => 0n, () => 0n);
  }

  async #extend(needs: readonly Need[], signal: AbortSignal): Promise<void> {
    const { line, journal } = this.#till;
    const take = (unbacked?: Unbacked): void => {
      // It may have been settled while it waited: then nothing is held for it.
      if (this.#isOpen) this.#take(needs, unbacked);
    };
    if (line.isClear(needs)) take();
    else await line.admit(needs, take, signal);
    await journal.written();
    if (!this.#isOpen) throw new EgressError("budget.unavailable", "the reservation has ended");
  }

  #take(needs: readonly Need[], unbacked?: Unbacked): void {
    const { clock, journal } = this.#till;
    const [nowMs, monotonicMs] = [clock.nowMs(), clock.monotonicMs()];
    for (const need of needs) {
      if (need.floor === 0n) continue;
      const { purse, amount } = need;
      const slice = unbacked?.has(purse) === true ? null : purse.slice(nowMs);
      if (slice !== null) this.#takeFrom(slice, amount, journal);
      purse.pace.took(amount, monotonicMs);
      this.#note(purse, slice, amount);
      if (purse.free(nowMs) < purse.pace.lowWater) void this.#till.line.refill(need);
    }
  }

  #takeFrom(slice: Slice, amount: bigint, journal: Journal): void {
    slice.reserve(amount);
    if (slice.used + slice.reserved > slice.covered) journal.touch(slice);
  }

  #note(purse: Purse, slice: Slice | null, amount: bigint): void {
    const hold = this.#holds.find((one) => one.purse === purse);
    const last = hold?.parts.at(-1);
    if (last?.slice === slice && last !== undefined) last.amount += amount;
    else hold?.parts.push({ slice, amount });
    if (slice === null) this.#till.onEvent({ event: "budget.unbacked", outcome: "succeeded", fields: { budget: purse.spec.budget, key: purse.key, amount: amount.toString() } });
  }

  /** A byte leaves right after this: what is beyond what the journal covers is written now. */
  #isCovered(flows: readonly Hold[]): boolean {
    const { journal, clock } = this.#till;
    const nowMs = clock.nowMs();
    const isBeyond = flows.some(({ purse }) => {
      const slice = purse.slice(nowMs);
      if (slice !== null) slice.ahead = COVERED_AHEAD_BYTES;
      return slice !== null && slice.used + slice.reserved > slice.covered;
    });
    if (!isBeyond) return true;
    try {
      journal.cover();
      return true;
    } catch (cause) {
      return this.#cut(new EgressError("budget.unavailable", "what is held could not be written down", { cause }));
    }
  }

  #cut(refusal: EgressError): false {
    this.#refusal ??= refusal;
    return false;
  }

  /** Little is left here, and it is not known that there is no more anywhere. */
  #isDry(purse: Purse): boolean {
    const { clock } = this.#till;
    return purse.free(clock.nowMs()) < lowWater(purse) && !purse.isExhausted(clock.monotonicMs());
  }

  async #end(used: (meter: MeterName) => bigint, estimated: (meter: MeterName) => bigint): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const owing: Purse[] = [];
    for (const { purse, parts } of this.#holds) {
      const { meter } = purse.spec;
      purse.debt += this.#settleParts(parts, used(meter), estimated(meter));
      purse.holders -= 1;
      if (purse.debt > 0n) owing.push(purse);
      else this.#till.freed(purse);
    }
    this.#onEnd();
    this.#till.line.poke();
    this.#till.journal.writeSoon();
    for (const purse of owing) await this.#till.pay(purse);
  }

  /** Oldest first. @returns what was used beyond what slices held */
  #settleParts(parts: readonly Part[], used: bigint, estimated: bigint): bigint {
    let [leftUsed, leftEstimated] = [used, estimated < used ? estimated : used];
    for (const { slice, amount } of parts) {
      if (slice === null) continue;
      const charged = leftUsed < amount ? leftUsed : amount;
      const guessed = leftEstimated < charged ? leftEstimated : charged;
      slice.settle(amount, charged, guessed);
      this.#till.journal.touch(slice);
      leftUsed -= charged;
      leftEstimated -= guessed;
    }
    return leftUsed;
  }
}
