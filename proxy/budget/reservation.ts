import type { EgressError } from "../errors.ts";
import type { Usage } from "../model/usage.ts";
import type { Account } from "./account.ts";
import type { Reservation } from "./budget-ledger.ts";
import { describeExhaustion } from "./exhaustion.ts";

/** One request's hold on several accounts: one request on each that counts requests, the bytes taken so far on each that counts bytes. */
export class AccountReservation implements Reservation {
  readonly #accounts: readonly Account[];
  readonly #requests: readonly Account[];
  readonly #bytes: readonly Account[];
  readonly #onEnd: () => void;
  #takenBytes = 0;
  #isOpen = true;
  #refusal: EgressError | null = null;

  /** @param accounts each has room for at least one; nothing else ran since that was seen */
  constructor(accounts: readonly Account[], onEnd: () => void) {
    this.#accounts = accounts;
    this.#requests = accounts.filter((account) => account.of.meter === "requests");
    this.#bytes = accounts.filter((account) => account.of.meter === "bytes");
    this.#onEnd = onEnd;
    for (const account of accounts) account.hold();
    for (const account of this.#requests) account.reserve(1);
  }

  get refusal(): EgressError | null {
    return this.#refusal;
  }

  take(bytes: number): boolean {
    if (!this.#isOpen || !Number.isSafeInteger(bytes) || bytes < 0) return false;
    const full = this.#bytes.find((account) => account.left < bytes);
    if (full !== undefined) {
      this.#refusal ??= describeExhaustion(full);
      return false;
    }
    for (const account of this.#bytes) account.reserve(bytes);
    this.#takenBytes += bytes;
    return true;
  }

  async settle({ requestBytes, responseBytes }: Usage): Promise<void> {
    this.#end(1, requestBytes + responseBytes);
  }

  async release(): Promise<void> {
    this.#end(0, 0);
  }

  #end(requests: number, bytes: number): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const account of this.#requests) account.settle(1, requests);
    for (const account of this.#bytes) account.settle(this.#takenBytes, bytes);
    for (const account of this.#accounts) account.letGo();
    this.#onEnd();
  }
}
