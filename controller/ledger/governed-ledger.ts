import { readAccountKey } from "../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../common/ledger/account.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import type { KnownBudgets } from "./known-budgets.ts";

/**
 * The ledger as one node's proxy sees it. Its holders are that node's, whatever it calls them, so that no node speaks for another. Limits and thresholds
 * of the cluster's budgets are those that the controller knows: a limit that was lowered counts at once, also for a proxy that has not heard of it.
 * Standings and adjustments are not for proxies (wire protocol: they are not among a proxy's calls).
 */
export function ledgerOfNode(store: LedgerStore, node: string, budgets: KnownBudgets): LedgerStore {
  const own = (holder: string) => `${node}/${holder}`;
  return {
    ...store,
    acquire: async (holder, claims) => store.acquire(own(holder), claims.map((claim) => ({ ...claim, account: asKnown(claim.account, budgets) }))),
    report: async (holder, reports) => store.report(own(holder), reports),
    slicesOf: async (holder) => store.slicesOf(own(holder)),
  };
}

/** A count of another meter or window than the budget has now is one from before it was changed: it stays what it was, and is charged no more soon. */
function asKnown(account: AccountSpec, budgets: KnownBudgets): AccountSpec {
  const known = budgets.find(account.budget);
  const name = readAccountKey(account.key);
  if (known === null || name?.meter !== known.meter || name.window !== known.window) return account;
  return { ...account, limit: known.limit, timezone: known.timezone, thresholds: known.thresholds };
}
