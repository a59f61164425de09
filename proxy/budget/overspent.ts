import { readAccountKey } from "../../common/ledger/account-key.ts";
import type { Reported } from "../../common/ledger/ledger-store.ts";
import type { LedgerContext } from "./ledger-context.ts";

type Teller = Pick<LedgerContext, "log" | "onEvent">;

/** Puts on record what was used over a limit and is counted nowhere. @param amount in units of the count's meter, for `usd` nano-dollars */
export function tellOverspent({ key, amount }: { readonly key: string; readonly amount: bigint }, { log, onEvent }: Teller): void {
  const fields = { budget: readAccountKey(key)?.budget ?? "", key, amount: amount.toString() };
  log.warn("budget.overspent", fields);
  onEvent({ event: "budget.overspent", outcome: "failed", fields });
}

/** What the ledger says so of in its answer to reports. */
export function tellOverspentOf({ slices }: Pick<Reported, "slices">, teller: Teller): void {
  for (const { key, overspent } of slices) if (overspent > 0n) tellOverspent({ key, amount: overspent }, teller);
}
