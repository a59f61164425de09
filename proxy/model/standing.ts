/** How one budget stands, as policy sees it. Unit: requests or bytes, as the budget says. */
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
