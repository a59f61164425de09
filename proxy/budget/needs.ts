import type { Amounts } from "../../common/meters.ts";
import type { MeterName } from "./config.ts";
import type { Purse } from "./purse.ts";

/** What a request needs of one count. */
export interface Need {
  readonly purse: Purse;
  /** Held when it is admitted. */
  readonly amount: bigint;
  /** What must be free for that; more than `amount` where it is asked for while it flows. */
  readonly floor: bigint;
  /** What should be free, so that what is on its way fits. */
  readonly comfort: bigint;
}

/** Meters of which more is taken while bytes flow, without waiting. */
export const FLOWING: ReadonlySet<MeterName> = new Set<MeterName>(["bytes", "bytes-out", "bytes-in"]);

/** Larger than any chunk that is on its way in one stream, several times. */
const IN_FLIGHT_BYTES = 256n * 1024n;
const STREAMS = 4;
/** How much of a flow the journal covers beyond what was taken: the most that a crash can charge too much. */
export const COVERED_AHEAD_BYTES = 256n * 1024n;

/** With less than this free, a stream should pause until there is more. */
export function lowWater(purse: Purse): bigint {
  return IN_FLIGHT_BYTES * BigInt(Math.min(Math.max(purse.holders, 1), STREAMS));
}

export function needOf(purse: Purse, amounts: Amounts): Need {
  const amount = amounts[purse.spec.meter] ?? 0n;
  if (!FLOWING.has(purse.spec.meter)) return { purse, amount, floor: amount, comfort: amount };
  // A byte budget has to have room for something; how much is asked while it flows.
  return { purse, amount, floor: amount > 0n ? amount : 1n, comfort: amount + 2n * lowWater(purse) };
}

/** More of a flow, so that it need not pause. */
export function flowOf(purse: Purse): Need {
  return { purse, amount: 0n, floor: 1n, comfort: 2n * lowWater(purse) };
}

export function isMet({ purse, floor }: Need, nowMs: number): boolean {
  return floor === 0n || purse.free(nowMs) >= floor;
}

/** Of what is free, what is worth giving back although the count is in use: nothing, unless it is twice what is worth keeping. */
export function surplusOf(purse: Purse, free: bigint): bigint {
  const keep = purse.pace.worthKeeping + (FLOWING.has(purse.spec.meter) ? 2n * lowWater(purse) : 0n);
  return free > 2n * keep ? free - keep : 0n;
}
