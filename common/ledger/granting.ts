import { AMOUNT_LIMIT } from "../meters.ts";
import type { Claim, Crossing, Grant, Shortage } from "./ledger-store.ts";
import { askInForce, ceilingOf, isSilent, least, most, newSlice, outstandingOf, roomOf, type Page, type SliceRow, type WindowRow } from "./rows.ts";
import { takeBack } from "./settling.ts";
import { crossAsk } from "./thresholds.ts";

/**
 * How much of what is free one grant may take beyond its need: an eighth. While there is plenty, that is all a holder wants; as the cap nears,
 * slices shrink with what is left, so that little lies idle with holders when it runs out; at the end it is the need to the unit.
 */
const SHARE_OF_FREE = 8n;
/** For so long after somebody found too little, grants are of the need alone and holders are asked to give back. */
const WANT_LASTS_MS = 5_000;
/** Noted no more often: agents that storm an exhausted cap must not make the database write. */
const WANT_NOTED_EVERY_MS = 1_000;
/** Holders report every half second, and are asked in the answer to one report for what they give back with the next. */
const RETRY_AFTER_MS = 200;

export interface Moment {
  readonly nowMs: number;
  readonly ttlMs: number;
}

/** A claim against the page it is about. */
export interface ClaimedPage extends Page {
  /** The page as it was kept. */
  readonly kept: Page;
  /** What must be added to the slice. */
  readonly lacking: bigint;
  /** What the caller would like to be added. */
  readonly wished: bigint;
}

/** Puts the claim against what the store knows: what a lost answer granted counts, and so does what the caller knows and the store does not. */
export function claimPage(kept: Page, claim: Claim): ClaimedPage {
  const known = claim.windowStartMs === kept.window.startMs ? claim.known : 0n;
  const page = takeBack({ ...kept, slice: resume(kept.slice, known) });
  const beyond = known - page.slice.granted;
  return { ...page, kept, lacking: most(0n, beyond + claim.need), wished: most(0n, beyond + claim.want) };
}

/** True if the account cannot give what is lacking; what one slice adds up to is bounded too. */
export function isShort(page: ClaimedPage): boolean {
  return page.lacking > 0n && page.lacking > least(roomOf(page.account, page.window), AMOUNT_LIMIT - page.slice.granted);
}

/** Adds to the slice, for a page that is not short. */
export function grantOn(page: ClaimedPage, moment: Moment): Page {
  const { account, window, slice, lacking, wished } = page;
  const spare = isWanted(page, moment) ? 0n : least(most(0n, roomOf(account, window)) / SHARE_OF_FREE, AMOUNT_LIMIT - slice.granted);
  const added = most(lacking, least(wished, spare));
  return {
    account,
    window: { ...window, outstanding: window.outstanding + added },
    slice: { ...slice, granted: slice.granted + added, heardAtMs: moment.nowMs },
  };
}

export function describeGrant({ account, window, slice }: Page, { ttlMs }: Moment): Grant {
  return {
    key: window.key, windowStartMs: window.startMs, windowEndMs: window.endMs, granted: slice.granted,
    limit: ceilingOf(account, window), settled: window.settled, outstanding: window.outstanding, ttlMs,
  };
}

/** Whether somebody has found too little a moment ago. */
export function isWanted({ window: { wantedAtMs } }: Pick<Page, "window">, { nowMs }: Moment): boolean {
  return wantedAtMs !== null && Math.abs(nowMs - wantedAtMs) < WANT_LASTS_MS;
}

export interface TurnedAway {
  readonly page: ClaimedPage;
  readonly shortage: Shortage;
  readonly crossings: readonly Crossing[];
}

/**
 * Turns a claim away, for now or exactly. While live holders that were not yet asked in this round hold enough to make up for it, the answer is
 * provisional: each is asked with its next report and has given back what it can with the one after.
 * @param slices all of the window that are not over
 */
export function turnAway(page: ClaimedPage, slices: readonly SliceRow[], moment: Moment): TurnedAway {
  const window = noteWant(page, moment);
  const round = window.wantRound;
  const pending = slices.filter((slice) => slice.holder !== page.slice.holder && slice.answeredRound < round && !isSilent(slice, moment));
  const mayCome = pending.reduce((sum, slice) => sum + outstandingOf(slice), 0n);
  const room = roomOf(page.account, window);
  const isProvisional = mayCome > 0n && page.lacking <= room + mayCome && page.lacking <= AMOUNT_LIMIT - page.slice.granted;
  const told = isProvisional ? { window, crossings: [] } : crossAsk(page.account, window);
  return {
    page: { ...page, window: told.window },
    crossings: told.crossings,
    shortage: {
      key: window.key, windowStartMs: window.startMs, windowEndMs: window.endMs,
      limit: ceilingOf(page.account, window), settled: window.settled, outstanding: window.outstanding, left: most(0n, room),
      isProvisional, retryAfterMs: RETRY_AFTER_MS, waitsAtPercent: askInForce(page.account, window)?.percent ?? null,
    },
  };
}

function noteWant(page: ClaimedPage, moment: Moment): WindowRow {
  const { window } = page;
  if (!isWanted(page, moment)) return { ...window, wantedAtMs: moment.nowMs, wantRound: window.wantRound + 1 };
  return Math.abs(moment.nowMs - (window.wantedAtMs ?? 0)) < WANT_NOTED_EVERY_MS ? window : { ...window, wantedAtMs: moment.nowMs };
}

/**
 * A slice that was over begins anew where the caller is: it has given back all it knew of that it has not used. One that remembers less than it has
 * used has begun at zero; what it used stays settled.
 */
function resume(slice: SliceRow, known: bigint): SliceRow {
  if (!slice.isOver) return slice;
  if (known >= slice.granted) return { ...slice, isOver: false };
  if (known >= slice.used) return { ...slice, isOver: false, granted: known, returned: known - slice.used, writtenOff: 0n };
  return newSlice(slice.holder, { key: slice.key, startMs: slice.windowStartMs }, slice.heardAtMs);
}
