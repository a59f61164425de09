const DAY_MS = 86_400_000;

/** Totals of days, weeks and months are kept for thirteen months after they end. */
export const KEPT_MS = 400 * DAY_MS;
/** Totals of shorter windows, and what each holder had of a window, as long as a holder may come back to report it. */
export const KEPT_BRIEFLY_MS = 7 * DAY_MS;
/** A day is never shorter, wherever clocks change. */
export const SHORTEST_DAY_MS = 20 * 3_600_000;
