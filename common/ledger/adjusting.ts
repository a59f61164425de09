import { AMOUNT_LIMIT } from "../meters.ts";
import { unreachable } from "../unreachable.ts";
import type { Moment } from "./granting.ts";
import { AmountUnfit, type Adjustment, type Standing } from "./ledger-store.ts";
import type { LockedRows, RowStorage } from "./row-storage.ts";
import { isSilent, most, newWindow, outstandingOf, type AccountRow, type SliceRow, type WindowRow } from "./rows.ts";
import { standingOf } from "./standing.ts";
import { waitsAt } from "./thresholds.ts";
import { nextWindow } from "./windows.ts";

/** In one change: a budget of a hundred thousand threads must not be locked as a whole. */
const ACCOUNTS_AT_A_TIME = 100;
const MOST_ANSWERED = 10_000;

/** An account in its current window, with the slices of all holders in it. */
interface Sheet {
  readonly account: AccountRow;
  readonly window: WindowRow;
  readonly slices: readonly SliceRow[];
}

/** Carries out an operator's word, account by account, and writes it down. @throws AmountUnfit */
export async function adjustBudget(storage: RowStorage, adjustment: Adjustment, moment: () => Moment): Promise<readonly Standing[]> {
  checkAmount(adjustment);
  await storage.change(async (rows) => {
    await rows.note(adjustment, moment().nowMs);
    if (adjustment.kind === "set" && adjustment.key === undefined) await rows.setBudgetLimit(adjustment.budget, adjustment.limit);
  });
  const keys = adjustment.key === undefined ? await storage.keysOf(adjustment.budget) : [adjustment.key];
  const standings: Standing[] = [];
  for (let from = 0; from < keys.length; from += ACCOUNTS_AT_A_TIME) {
    const some = keys.slice(from, from + ACCOUNTS_AT_A_TIME);
    standings.push(...await storage.change(async (rows) => adjustAccounts(rows, some, adjustment, moment())));
  }
  return standings.slice(0, MOST_ANSWERED);
}

async function adjustAccounts(rows: LockedRows, keys: readonly string[], adjustment: Adjustment, moment: Moment): Promise<readonly Standing[]> {
  const locked = await rows.lock(keys);
  const changed: Sheet[] = [];
  for (const account of locked.values()) {
    if (account.spec.budget !== adjustment.budget) continue;
    const sheet = adjustSheet(await sheetOf(rows, account, moment), adjustment, moment);
    if (sheet !== null) changed.push(sheet);
  }
  const slices = adjustment.kind === "reset" ? changed.flatMap((sheet) => sheet.slices) : [];
  await rows.save({ accounts: changed.map(({ account }) => account), windows: changed.map(({ window }) => window), slices });
  return changed.map((sheet) => standingOf({ ...sheet, lost: silentTotal(sheet.slices, moment) }, moment.nowMs));
}

async function sheetOf(rows: LockedRows, account: AccountRow, { nowMs }: Moment): Promise<Sheet> {
  const open = nextWindow(account.spec, account.open, nowMs);
  const place = { key: account.spec.key, startMs: open.startMs };
  const [found] = await rows.read([place], "");
  return { account: { ...account, open }, window: found?.window ?? newWindow(place.key, open), slices: await rows.slicesIn(place) };
}

/** @returns null if it changes nothing */
function adjustSheet(sheet: Sheet, adjustment: Adjustment, moment: Moment): Sheet | null {
  const { account, window } = sheet;
  switch (adjustment.kind) {
    case "set": {
      const set = adjustment.key === undefined ? { setLimit: null, budgetLimit: adjustment.limit } : { setLimit: adjustment.limit };
      return { ...sheet, account: { ...account, ...set } };
    }
    case "topup": return { ...sheet, window: { ...window, topUp: addUp(window.topUp, adjustment.amount) } };
    case "reset": return reset(sheet, moment);
    case "approve": {
      const percent = waitsAt(account, window);
      return percent === null ? null : { ...sheet, window: { ...window, approvedPercent: percent } };
    }
    default: return unreachable(adjustment);
  }
}

function reset({ account, window, slices }: Sheet, moment: Moment): Sheet {
  const lost = silentTotal(slices, moment);
  return {
    account,
    window: { ...window, settled: 0n, estimated: 0n, outstanding: window.outstanding - lost, approvedPercent: 0, told: [], wantedAtMs: null },
    slices: slices.map((slice) => (isSilent(slice, moment) ? { ...slice, writtenOff: slice.writtenOff + most(0n, outstandingOf(slice)) } : slice)),
  };
}

function silentTotal(slices: readonly SliceRow[], moment: Moment): bigint {
  return slices.filter((slice) => isSilent(slice, moment)).reduce((sum, slice) => sum + outstandingOf(slice), 0n);
}

function addUp(first: bigint, second: bigint): bigint {
  if (first + second > AMOUNT_LIMIT) throw new AmountUnfit();
  return first + second;
}

function checkAmount(adjustment: Adjustment): void {
  const amount = adjustment.kind === "set" ? adjustment.limit : adjustment.kind === "topup" ? adjustment.amount : null;
  if (amount !== null && (amount < 0n || amount > AMOUNT_LIMIT)) throw new AmountUnfit();
}
