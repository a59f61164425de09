import type { Clock } from "../../common/clock.ts";
import type { Log } from "../../common/log.ts";
import type { LifecycleRecord } from "../model/record.ts";

export type BudgetEvent = Pick<LifecycleRecord, "event" | "outcome" | "fields">;

/** The rhythm of a ledger, in milliseconds. */
export interface LedgerTiming {
  /** How long a request waits for the store before the ledger counts as lost. */
  readonly deadlineMs: number;
  readonly reportIntervalMs: number;
  /** What nobody has used for so long is given back. */
  readonly idleSlackMs: number;
  /** A slice is spoken of at least three times in this. */
  readonly ttlMs: number;
}

/** What every part of the ledger is given. */
export interface LedgerContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly timing: LedgerTiming;
  /** For the audit log. Must not throw. */
  readonly onEvent: (event: BudgetEvent) => void;
}
