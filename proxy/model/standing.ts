import type { Window } from "../../common/ledger/account.ts";

/** How one budget stands, as policy sees it. Unit: requests or bytes, as the budget says. */
export interface PolicyBudget {
  readonly limit: number;
  readonly spent: number;
  readonly reserved: number;
}

/**
 * How a budget stands by what the ledger last told this proxy, for metrics: its counts in the current window, for one namespace where each has its
 * own, else all together. Dollars, or units of the meter.
 */
export interface BudgetTotal {
  readonly id: string;
  readonly meter: string;
  readonly window?: Window;
  /** Empty where several namespaces share the count. */
  readonly namespace?: string;
  readonly limit: number;
  readonly settled: number;
  /** In slices that proxies hold, open requests among them. */
  readonly reserved: number;
  /** In slices whose holder does not answer: counted as spent. */
  readonly lost?: number;
  /** Of the count that is closest to its limit: (settled + lost) / limit. */
  readonly share?: number;
  /** Wall-clock milliseconds; null for a window that does not end, and for counts of several windows. */
  readonly startsAtMs?: number | null;
  readonly endsAtMs?: number | null;
  /** A threshold that waits for a person. */
  readonly isWaiting?: boolean;
}

/** Whether this proxy can ask the ledger. */
export interface LedgerHealth {
  readonly isUp: boolean;
  /** Wall-clock milliseconds of its last answer; null before the first. */
  readonly answeredAtMs: number | null;
}
