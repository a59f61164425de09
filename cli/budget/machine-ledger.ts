import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import type { Log } from "../../common/log.ts";
import { openBudgetStore, type BudgetConfig } from "../../proxy/operator.ts";

/** The ledger that the proxies of this machine share, whether or not one of them runs. @throws UserError if it is kept where nobody else can read it */
export function openMachineLedger({ ledger }: Pick<BudgetConfig, "ledger">, stateDirectory: string, log: Log): LedgerStore {
  if (ledger.type === "memory" || ledger.type === "controller") {
    const hint = ledger.type === "memory" ? "Leave `budgets.ledger.type` out: counts are then kept in the state directory." : "Add --cluster.";
    throw new UserError(`with budgets.ledger.type ${ledger.type} this machine keeps no counts that can be read`, hint, EXIT.unavailable);
  }
  return openBudgetStore(ledger, { clock: systemClock, log, stateDirectory }).store;
}
