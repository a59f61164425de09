import type { MeterName } from "../meters.ts";

export const WINDOWS = ["minute", "hour", "day", "week", "month", "total", "thread"] as const;
/**
 * When a count begins anew: each calendar minute, hour, day, week (from Monday, ISO 8601) or month of the budget's time zone; never (`total`);
 * or never, with a count for each thread (`thread`).
 */
export type Window = (typeof WINDOWS)[number];

/** A share of the limit, in per cent, at which somebody is told; with `ask`, nothing more is spent until a person has said that it may go on. */
export interface Threshold {
  readonly percent: number;
  readonly action: "notify" | "ask";
}

/** One count that a budget keeps for those who share it. The store keeps one row for each of its windows. */
export interface AccountSpec {
  /** Who shares it: JSON of budget, meter and scope (account-key.ts). At most 1,024 characters. */
  readonly key: string;
  /** Id of the budget, as policy and operators know it. */
  readonly budget: string;
  readonly meter: MeterName;
  readonly limit: bigint;
  readonly window: Window;
  /** IANA name, such as `Europe/Berlin`. */
  readonly timezone: string;
  readonly thresholds: readonly Threshold[];
}
