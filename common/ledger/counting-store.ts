import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../clock.ts";
import { AMOUNT_LIMIT } from "../meters.ts";
import { adjustBudget } from "./adjusting.ts";
import { claimPage, describeGrant, grantOn, isShort, isWanted, turnAway, type ClaimedPage, type Moment } from "./granting.ts";
import type { Acquired, Claim, Crossing, LedgerStore, Reported, SliceReport } from "./ledger-store.ts";
import type { LockedRows, RowStorage } from "./row-storage.ts";
import { ceilingOf, newSlice, newWindow, outstandingOf, type AccountRow, type Page, type SliceRow, type WindowRow } from "./rows.ts";
import { settleOn } from "./settling.ts";
import { standingOf } from "./standing.ts";
import { crossThresholds } from "./thresholds.ts";
import { nextWindow } from "./windows.ts";

export interface CountingOptions {
  /** Decides which window counts; wall time. */
  readonly clock: Clock;
  /** After so long without a word, a holder's slices count as lost. Default 30 seconds. */
  readonly ttlMs?: number;
}

const TTL_MS = 30_000;
const MOST_CLAIMS = 256;
/** In one change: a long list must not keep accounts locked for long. */
const REPORTS_AT_A_TIME = 200;
const MOST_STANDINGS = 10_000;
const FORGET_EVERY_MS = 3_600_000;
/** What is said of a slice that there is not. */
const UNKNOWN = { isKnown: false, isWanted: false, limit: 0n, settled: 0n, outstanding: 0n, overspent: 0n };

/** Counts by the rules of LedgerStore over rows that are kept anywhere. */
export function countingStore(storage: RowStorage, { clock, ttlMs = TTL_MS }: CountingOptions): LedgerStore {
  const moment = (): Moment => ({ nowMs: clock.nowMs(), ttlMs });
  let forgottenAtMs = clock.monotonicMs();
  return {
    acquire: async (holder, claims) => {
      checkClaims(claims);
      const specs = claims.map(({ account }) => account);
      const acquired = await storage.change(async (rows) => acquire(rows, holder, claims, moment()));
      if (acquired !== null) return acquired;
      await storage.ensure(specs);
      const again = await storage.change(async (rows) => acquire(rows, holder, claims, moment()));
      if (again === null) throw new Error("an account that was made is not there");
      return again;
    },
    report: async (holder, reports) => {
      checkReports(reports);
      const answers: Reported[] = [];
      for (let from = 0; from < reports.length; from += REPORTS_AT_A_TIME) {
        answers.push(await storage.change(async (rows) => report(rows, holder, reports.slice(from, from + REPORTS_AT_A_TIME), moment())));
      }
      if (clock.monotonicMs() - forgottenAtMs > FORGET_EVERY_MS) {
        forgottenAtMs = clock.monotonicMs();
        // What cannot be forgotten now is in an hour: whoever reports has no part in it.
        await storage.forget(clock.nowMs()).catch(() => undefined);
      }
      return { slices: answers.flatMap(({ slices }) => slices), crossings: answers.flatMap(({ crossings }) => crossings) };
    },
    slicesOf: async (holder) => storage.slicesOf(holder),
    standings: async (filter) => {
      const now = moment();
      const looks = await storage.look({ ...filter, limit: Math.min(filter.limit, MOST_STANDINGS) }, now);
      return looks.map((look) => standingOf(look, now.nowMs));
    },
    adjust: async (adjustment) => adjustBudget(storage, adjustment, moment),
    close: async () => storage.close(),
  };
}

/** @returns null if an account does not exist yet */
async function acquire(rows: LockedRows, holder: string, claims: readonly Claim[], moment: Moment): Promise<Acquired | null> {
  const known = await rows.lock(claims.map(({ account }) => account.key));
  if (known.size < claims.length) return null;
  const accounts = claims.map(({ account: spec }) => currentAccount(known.get(spec.key), spec, moment));
  const pages = (await pagesOf(rows, accounts, holder, moment)).map((page, index) => claimPage(page, claims[index] as Claim));
  const changed = accounts.filter((account) => !isDeepStrictEqual(account, known.get(account.spec.key)));
  const short = pages.filter(isShort);
  if (short.length > 0) return refuse(rows, short, changed, moment);
  const crossings: Crossing[] = [];
  const granted = pages.map((claimed) => {
    const page = grantOn(claimed, moment);
    const told = crossThresholds(page.account, page.window);
    crossings.push(...told.crossings);
    return { ...page, window: told.window };
  });
  await rows.save({ accounts: changed, windows: granted.map(({ window }) => window), slices: granted.map(({ slice }) => slice) });
  return { kind: "granted", grants: granted.map((page) => describeGrant(page, moment)), crossings };
}

async function refuse(rows: LockedRows, short: readonly ClaimedPage[], accounts: readonly AccountRow[], moment: Moment): Promise<Acquired> {
  const turned = [];
  for (const page of short) turned.push(turnAway(page, await rows.slicesIn({ key: page.window.key, startMs: page.window.startMs }), moment));
  const windows = turned.flatMap(({ page }) => (page.window === page.kept.window ? [] : [page.window]));
  const slices = turned.flatMap(({ page }) => (page.slice === page.kept.slice ? [] : [page.slice]));
  await rows.save({ accounts, windows, slices });
  return { kind: "short", shortages: turned.map(({ shortage }) => shortage), crossings: turned.flatMap(({ crossings }) => crossings) };
}

/** The account as it is configured now, in the window of now. */
function currentAccount(account: AccountRow | undefined, spec: AccountRow["spec"], { nowMs }: Moment): AccountRow {
  return { spec, setLimit: account?.setLimit ?? null, budgetLimit: account?.budgetLimit ?? null, open: nextWindow(spec, account?.open ?? null, nowMs) };
}

async function pagesOf(rows: LockedRows, accounts: readonly AccountRow[], holder: string, { nowMs }: Moment): Promise<readonly Page[]> {
  const places = accounts.map(({ spec: { key }, open }) => ({ key, startMs: open?.startMs ?? 0 }));
  const found = await rows.read(places, holder);
  return accounts.map((account, index) => {
    const place = places[index] ?? { key: account.spec.key, startMs: 0 };
    const bounds = account.open ?? { startMs: place.startMs, endMs: null };
    const kept = found[index]?.window ?? newWindow(place.key, bounds);
    const window = kept.endMs === bounds.endMs ? kept : { ...kept, endMs: bounds.endMs };
    return { account, window, slice: found[index]?.slice ?? newSlice(holder, place, nowMs) };
  });
}

async function report(rows: LockedRows, holder: string, reports: readonly SliceReport[], moment: Moment): Promise<Reported> {
  const accounts = await rows.lock([...new Set(reports.map(({ key }) => key))]);
  const found = await rows.read(reports.map(({ key, windowStartMs }) => ({ key, startMs: windowStartMs })), holder);
  const crossings: Crossing[] = [];
  const windows: WindowRow[] = [];
  const heard: SliceRow[] = [];
  const slices = reports.map((said, index) => {
    const account = accounts.get(said.key);
    const { window = null, slice = null } = found[index] ?? {};
    const place = { key: said.key, windowStartMs: said.windowStartMs };
    if (account === undefined || window === null || slice === null) return { ...place, ...UNKNOWN };
    const { page, overspent } = settleOn({ account, window, slice }, said);
    const told = crossThresholds(account, page.window);
    crossings.push(...told.crossings);
    if (told.window !== window) windows.push(told.window);
    const answer = hear(page.slice, told.window, moment);
    heard.push(answer.slice);
    const { settled, outstanding } = told.window;
    return { ...place, isKnown: true, isWanted: answer.isAsked, limit: ceilingOf(account, told.window), settled, outstanding, overspent };
  });
  await rows.save({ windows, slices: heard });
  return { slices, crossings };
}

/** The holder has spoken: what it was asked for before, it has had the chance to give; it is asked if somebody waits. */
function hear(slice: SliceRow, window: WindowRow, moment: Moment): { readonly slice: SliceRow; readonly isAsked: boolean } {
  const isAsked = isWanted({ window }, moment) && outstandingOf(slice) > 0n;
  const answeredRound = slice.toldRound === window.wantRound ? window.wantRound : slice.answeredRound;
  return { isAsked, slice: { ...slice, heardAtMs: moment.nowMs, answeredRound, toldRound: isAsked ? window.wantRound : slice.toldRound } };
}

function checkReports(reports: readonly SliceReport[]): void {
  const places = new Set(reports.map(({ key, windowStartMs }) => `${windowStartMs} ${key}`));
  if (places.size !== reports.length) throw new RangeError("two reports of one slice");
  if (reports.some(({ used, estimated, returned }) => used < 0n || estimated < 0n || returned < 0n)) throw new RangeError("an amount below zero");
}

function checkClaims(claims: readonly Claim[]): void {
  if (claims.length > MOST_CLAIMS) throw new RangeError(`${claims.length} claims at once; ${MOST_CLAIMS} are taken`);
  if (new Set(claims.map(({ account }) => account.key)).size !== claims.length) throw new RangeError("two claims on one account");
  for (const { known, need, want } of claims) {
    for (const amount of [known, need, want]) if (amount < 0n || amount > AMOUNT_LIMIT) throw new RangeError("an amount that no store keeps");
  }
}
