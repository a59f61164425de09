import { ClaimRefused } from "../../common/ledger/ledger-store.ts";
import type { LedgerContext } from "./ledger-context.ts";
import { tellOverspent } from "./overspent.ts";
import type { Purse } from "./purse.ts";
import type { StoreDesk } from "./store-desk.ts";

/**
 * Charges what was used without being held: out of what is free here, else of what the store has left. What no room is left for is over the limit,
 * and told; so is what the store does not count any more. While the store does not answer, or others may give back, the debt stays. Never rejects.
 */
export async function payDebt(purse: Purse, desk: StoreDesk, context: LedgerContext): Promise<void> {
  charge(purse, context);
  if (purse.debt === 0n || purse.isAsked || purse.isEnding) return;
  purse.isAsked = true;
  try {
    for (let need = purse.debt; need > 0n; need = least(need, purse.debt)) {
      const answer = await desk.acquire([{ purse, need, want: need }]);
      charge(purse, context);
      if (answer.kind === "granted") continue;
      const [shortage] = answer.shortages;
      if (shortage?.isProvisional !== false) return;
      if (shortage.left === 0n) return forgive(purse, context);
      need = shortage.left;
    }
  } catch (error) {
    if (error instanceof ClaimRefused) forgive(purse, context);
    // The desk has said that the store does not answer.
  } finally {
    purse.isAsked = false;
  }
}

function least(first: bigint, second: bigint): bigint {
  return first < second ? first : second;
}

function charge(purse: Purse, { clock }: LedgerContext): void {
  const slice = purse.slice(clock.nowMs());
  if (slice === null) return;
  const amount = purse.debt < slice.free ? purse.debt : slice.free;
  slice.reserve(amount);
  slice.settle(amount, amount, 0n);
  purse.debt -= amount;
}

function forgive(purse: Purse, context: LedgerContext): void {
  const { debt } = purse;
  purse.debt = 0n;
  tellOverspent({ key: purse.key, amount: debt }, context);
}
