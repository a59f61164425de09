import type { Amounts, MeterName } from "../../common/meters.ts";
import type { EgressError } from "../errors.ts";
import type { Account } from "./account.ts";
import type { Direction, Reservation } from "./budget-ledger.ts";
import { describeExhaustion } from "./exhaustion.ts";

/** One request's hold on several accounts. */
export class AccountReservation implements Reservation {
  readonly refill = null;
  readonly #holds: readonly { readonly account: Account; reserved: bigint }[];
  readonly #onEnd: () => void;
  #isOpen = true;
  #refusal: EgressError | null = null;

  /** @param accounts each has room for its amount; nothing else ran since that was seen */
  constructor(accounts: readonly Account[], amounts: Amounts, onEnd: () => void) {
    this.#holds = accounts.map((account) => ({ account, reserved: amounts[account.of.meter] ?? 0n }));
    this.#onEnd = onEnd;
    for (const { account, reserved } of this.#holds) {
      account.hold();
      account.reserve(reserved);
    }
  }

  get refusal(): EgressError | null {
    return this.#refusal;
  }

  take(direction: Direction, bytes: number): boolean {
    if (!Number.isSafeInteger(bytes) || bytes < 0) return false;
    return this.#hold({ bytes: BigInt(bytes), [direction === "out" ? "bytes-out" : "bytes-in"]: BigInt(bytes) });
  }

  async extend(more: Amounts): Promise<boolean> {
    return this.#hold(more);
  }

  async settle(used: Amounts): Promise<void> {
    this.#end((meter) => used[meter] ?? 0n);
  }

  async release(): Promise<void> {
    this.#end(() => 0n);
  }

  #hold(more: Amounts): boolean {
    if (!this.#isOpen) return false;
    const full = this.#holds.find(({ account }) => account.left < (more[account.of.meter] ?? 0n));
    if (full !== undefined) {
      this.#refusal ??= describeExhaustion(full.account);
      return false;
    }
    for (const hold of this.#holds) {
      const amount = more[hold.account.of.meter] ?? 0n;
      hold.account.reserve(amount);
      hold.reserved += amount;
    }
    return true;
  }

  #end(used: (meter: MeterName) => bigint): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const { account, reserved } of this.#holds) {
      account.settle(reserved, used(account.of.meter));
      account.letGo();
    }
    this.#onEnd();
  }
}
