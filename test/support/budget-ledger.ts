import type { Clock } from "../../common/clock.ts";
import type { LedgerStore } from "../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../common/ledger/memory-store.ts";
import { silentLog } from "../../common/log.ts";
import type { BudgetConfig } from "../../proxy/budget/config.ts";
import { noJournal, type Journal } from "../../proxy/budget/journal/journal.ts";
import type { BudgetEvent, LedgerTiming } from "../../proxy/budget/ledger-context.ts";
import { LeasingLedger } from "../../proxy/budget/leasing-ledger.ts";

export const TEST_TIMING: LedgerTiming = { deadlineMs: 2_000, reportIntervalMs: 500, idleSlackMs: 5_000, ttlMs: 30_000 };

interface Parts {
  readonly store?: LedgerStore;
  readonly journal?: Journal;
  readonly holder?: string;
  readonly events?: BudgetEvent[];
  readonly timing?: Partial<LedgerTiming>;
}

/** A ledger over a store in memory, or over the one that is given. */
export function testLedger(config: BudgetConfig, clock: Clock, parts: Parts = {}): LeasingLedger {
  return new LeasingLedger(config, {
    clock, log: silentLog, timing: { ...TEST_TIMING, ...parts.timing }, onEvent: (event) => { parts.events?.push(event); },
    holder: parts.holder ?? "test", store: parts.store ?? openMemoryLedger({ clock }), journal: parts.journal ?? noJournal,
  });
}
