import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { BudgetConfig } from "../../proxy/operator.ts";

/** The ledger of this machine's proxies. @throws UserError if it cannot be reached */
export async function openMachineLedger(_config: BudgetConfig, _state: string): Promise<LedgerStore> {
  throw new UserError("the proxies of this machine keep no ledger", "For a cluster add --cluster.", EXIT.unavailable);
}
