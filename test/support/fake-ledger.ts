import type { Amounts, MeterName } from "../../common/meters.ts";
import type { BudgetLedger, Charge, Reservation } from "../../proxy/budget/budget-ledger.ts";
import { EgressError } from "../../proxy/errors.ts";

/** One budget for each meter that has a limit, shared by all. Keeps settled + reserved ≤ limit, and what was asked of it. */
export class FakeLedger implements BudgetLedger {
  readonly limits: Partial<Record<MeterName, bigint>>;
  readonly settled: Partial<Record<MeterName, bigint>> = {};
  readonly reserved: Partial<Record<MeterName, bigint>> = {};
  readonly charges: Charge[] = [];
  readonly open: FakeHold[] = [];
  /** When the windows end, wall-clock milliseconds. */
  opensAtMs: number | null = null;
  /** Set to have reading pause. */
  refill: Promise<void> | null = null;
  /** Runs before each reservation: what others do meanwhile. */
  meanwhile: () => void = () => {};

  constructor(limits: Partial<Record<MeterName, bigint>>) {
    this.limits = limits;
  }

  async reserve(charge: Charge): Promise<Reservation> {
    this.meanwhile();
    this.charges.push(charge);
    if (!this.hold(charge.amounts)) throw this.refusal();
    const held = new FakeHold(this, charge.amounts);
    this.open.push(held);
    return held;
  }

  async headroom(): Promise<Amounts> {
    return Object.fromEntries(this.#meters().map((meter) => [meter, this.left(meter)]));
  }

  metersFor(): ReadonlySet<MeterName> {
    return new Set(this.#meters());
  }

  learn(): null {
    return null;
  }

  standing(): Record<string, never> {
    return {};
  }

  left(meter: MeterName): bigint {
    return (this.limits[meter] ?? 0n) - (this.settled[meter] ?? 0n) - (this.reserved[meter] ?? 0n);
  }

  hold(more: Amounts): boolean {
    if (this.#meters().some((meter) => this.left(meter) < (more[meter] ?? 0n))) return false;
    for (const meter of this.#meters()) this.reserved[meter] = (this.reserved[meter] ?? 0n) + (more[meter] ?? 0n);
    return true;
  }

  refusal(): EgressError {
    return new EgressError("budget.exhausted", "team is used up", { opensAtMs: this.opensAtMs, explanation: { rule: "budget.team", reason: "team is used up", hint: "raise it" } });
  }

  end(held: Amounts, used: Amounts): void {
    for (const meter of this.#meters()) {
      this.reserved[meter] = (this.reserved[meter] ?? 0n) - (held[meter] ?? 0n);
      const room = this.left(meter);
      const asked = used[meter] ?? 0n;
      this.settled[meter] = (this.settled[meter] ?? 0n) + (asked < room ? asked : room);
    }
  }

  #meters(): MeterName[] {
    return Object.keys(this.limits) as MeterName[];
  }
}

export class FakeHold implements Reservation {
  readonly #ledger: FakeLedger;
  held: Amounts;
  used: Amounts | null = null;
  estimated: Amounts | null = null;
  isReleased = false;
  refusal: EgressError | null = null;

  constructor(ledger: FakeLedger, held: Amounts) {
    this.#ledger = ledger;
    this.held = held;
  }

  get refill(): Promise<void> | null {
    return this.#ledger.refill;
  }

  take(direction: "out" | "in", bytes: number): boolean {
    return this.#more({ bytes: BigInt(bytes), [direction === "out" ? "bytes-out" : "bytes-in"]: BigInt(bytes) });
  }

  async extend(more: Amounts): Promise<boolean> {
    return this.#more(more);
  }

  async settle(used: Amounts, estimated: Amounts = {}): Promise<void> {
    if (this.used !== null || this.isReleased) return;
    this.used = used;
    this.estimated = estimated;
    this.#ledger.end(this.held, used);
  }

  async release(): Promise<void> {
    if (this.used !== null || this.isReleased) return;
    this.isReleased = true;
    this.#ledger.end(this.held, {});
  }

  #more(more: Amounts): boolean {
    if (!this.#ledger.hold(more)) {
      this.refusal ??= this.#ledger.refusal();
      return false;
    }
    const held: Partial<Record<MeterName, bigint>> = { ...this.held };
    for (const [meter, amount] of Object.entries(more)) held[meter as MeterName] = (held[meter as MeterName] ?? 0n) + amount;
    this.held = held;
    return true;
  }
}
