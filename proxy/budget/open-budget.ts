import { randomBytes } from "node:crypto";
import type { Clock } from "../../common/clock.ts";
import { openMemoryLedger } from "../../common/ledger/memory-store.ts";
import type { Log } from "../../common/log.ts";
import type { BudgetConfig } from "./config.ts";
import { noJournal } from "./journal/journal.ts";
import type { BudgetEvent, LedgerTiming } from "./ledger-context.ts";
import { LeasingLedger } from "./leasing-ledger.ts";

export interface BudgetContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly stateDirectory: string;
  readonly onEvent: (event: BudgetEvent) => void;
}

const TIMING: LedgerTiming = { deadlineMs: 2_000, reportIntervalMs: 500, idleSlackMs: 5_000, ttlMs: 30_000 };

/** Opens the ledger that the configuration names. */
export async function openBudget(config: BudgetConfig, context: BudgetContext): Promise<LeasingLedger> {
  const store = openMemoryLedger({ clock: context.clock });
  return new LeasingLedger(config, { ...context, timing: TIMING, holder: randomBytes(8).toString("hex"), store, journal: noJournal });
}
