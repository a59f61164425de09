import { NANO_USD } from "../../common/money.ts";
import type { Used, UsageSample } from "./usage.ts";

/** Over how long rates are taken, in milliseconds. */
const SPAN_MS = 60_000;
const HOUR_MS = 3_600_000;

/** One line of `weir top`. */
export interface TopRow extends Used {
  readonly requestsPerSecond: number;
  readonly tokensPerSecond: number;
  readonly usdPerHour: number;
}

/** Samples of the last minute, from which rates are taken. */
export class UsageHistory {
  #samples: { readonly atMs: number; readonly used: ReadonlyMap<string, Used> }[] = [];

  /**
   * Adds a sample.
   * @param atMs monotonic, so that a clock that is set makes no rate
   * @returns a row for each, the fastest spender first; rates are 0 until there is a second sample
   */
  add(atMs: number, { used }: UsageSample): TopRow[] {
    const now = new Map<string, Used>();
    for (const one of used) now.set(keyOf(one), together(now.get(keyOf(one)), one));
    this.#samples = [...this.#samples.filter((sample) => atMs - sample.atMs <= SPAN_MS), { atMs, used: now }];
    const [oldest] = this.#samples;
    const spanMs = oldest === undefined ? 0 : atMs - oldest.atMs;
    return [...now].map(([key, one]) => ({ ...one, ...rates(oldest?.used.get(key), one, spanMs) })).toSorted(fastestFirst);
  }
}

/** A thread that was not there before began at nothing; a proxy that started anew counts from 0 again. */
function rates(before: Used | undefined, now: Used, spanMs: number): Pick<TopRow, "requestsPerSecond" | "tokensPerSecond" | "usdPerHour"> {
  if (spanMs <= 0) return { requestsPerSecond: 0, tokensPerSecond: 0, usdPerHour: 0 };
  const since = before === undefined || before.requests > now.requests ? { requests: 0, tokens: 0, nanoUsd: 0n } : before;
  return {
    requestsPerSecond: (now.requests - since.requests) * 1_000 / spanMs,
    tokensPerSecond: (now.tokens - since.tokens) * 1_000 / spanMs,
    usdPerHour: Number(now.nanoUsd - since.nanoUsd) / Number(NANO_USD) * HOUR_MS / spanMs,
  };
}

/** A thread that two proxies have served is one line. */
function together(one: Used | undefined, other: Used): Used {
  if (one === undefined) return other;
  return {
    ...other, model: other.model === "" ? one.model : other.model, requests: one.requests + other.requests, refusals: one.refusals + other.refusals,
    tokens: one.tokens + other.tokens, nanoUsd: one.nanoUsd + other.nanoUsd, open: one.open === null || other.open === null ? null : one.open + other.open,
  };
}

function keyOf({ agent, thread }: Used): string {
  return JSON.stringify([agent, thread]);
}

function fastestFirst(one: TopRow, other: TopRow): number {
  return other.usdPerHour - one.usdPerHour || Number(other.nanoUsd > one.nanoUsd) - Number(other.nanoUsd < one.nanoUsd)
    || other.requestsPerSecond - one.requestsPerSecond || other.requests - one.requests || (one.agent < other.agent ? -1 : 1);
}
