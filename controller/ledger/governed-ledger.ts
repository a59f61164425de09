import { isOfItsKey, readAccountKey, type AccountName } from "../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../common/ledger/account.ts";
import { ClaimRefused, type LedgerStore } from "../../common/ledger/ledger-store.ts";
import type { KnownBudgets } from "./known-budgets.ts";

/**
 * The ledger as one node's proxy sees it. Its holders are that node's, whatever it calls them, so that no node speaks for another. Limits and thresholds
 * of the cluster's budgets are those that the controller knows: a limit that was lowered counts at once, also for a proxy that has not heard of it; a
 * budget that is no more, or has another meter, window or `per`, is charged no more.
 * Adjustments are not for proxies, and standings only by key (the rights with which their calls are answered).
 */
export function ledgerOfNode(store: LedgerStore, node: string, budgets: KnownBudgets): LedgerStore {
  const own = (holder: string) => `${node}/${holder}`;
  return {
    ...store,
    acquire: async (holder, claims) => store.acquire(own(holder), claims.map((claim) => ({ ...claim, account: governed(claim.account, budgets) }))),
    report: async (holder, reports) => store.report(own(holder), reports),
    slicesOf: async (holder) => store.slicesOf(own(holder)),
  };
}

/** What the ledger counts for a claim. What a proxy says of itself changes no count of anybody else. @throws ClaimRefused */
function governed(account: AccountSpec, budgets: KnownBudgets): AccountSpec {
  const name = readAccountKey(account.key);
  if (name === null || !isOfItsKey(account)) throw new ClaimRefused(`a claim on ${account.budget} with the key of another count`);
  const known = budgets.find(name.budget);
  if (known === null) return ownCount(account, name);
  if (name.meter !== known.meter || name.window !== known.window || name.scope !== known.per) throw new ClaimRefused(`budget ${known.id} counts otherwise by now`);
  return { ...account, limit: known.limit, timezone: known.timezone, thresholds: known.thresholds };
}

/**
 * What agents and threads have for themselves, which proxies alone know: limits by their own configuration, and allowances. Its calendar is that of
 * UTC, because another would open another window, and it waits for nobody.
 */
function ownCount(account: AccountSpec, { budget, meter, window, scope }: AccountName): AccountSpec {
  const scopeOfAgents = window === "thread" ? "thread" : "agent";
  const isOwn = (budget === `agent.${meter}` && scope === scopeOfAgents) || (budget === `thread.allowance.${meter}` && window === "thread" && scope === "thread");
  if (!isOwn) throw new ClaimRefused(`there is no budget ${budget}`);
  return { ...account, timezone: "UTC", thresholds: account.thresholds.filter(({ action }) => action === "notify") };
}
