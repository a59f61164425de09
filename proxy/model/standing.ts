/** How one budget stands, as policy sees it: in units of its meter, `usd` in dollars. `reserved` is what open requests hold, here and elsewhere. */
export interface PolicyBudget {
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
}

/** Whether this proxy can ask the ledger. */
export interface LedgerHealth {
  readonly isUp: boolean;
  /** Wall-clock milliseconds of its last answer; null before the first. */
  readonly answeredAtMs: number | null;
}
