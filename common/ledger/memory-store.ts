import { countingStore, type CountingOptions } from "./counting-store.ts";
import { KEPT_BRIEFLY_MS, KEPT_MS, SHORTEST_DAY_MS } from "./keeping.ts";
import type { Adjustment, LedgerStore } from "./ledger-store.ts";
import type { LockedRows, Look, RowStorage } from "./row-storage.ts";
import { isSilent, outstandingOf, type AccountRow, type SliceRow, type WindowRow } from "./rows.ts";

/** A ledger in this process, by the same rules as the durable ones, and lost with it. For tests. */
export function openMemoryLedger(options: CountingOptions): LedgerStore {
  return countingStore(memoryRowStorage(), options);
}

interface Tables {
  readonly accounts: Map<string, AccountRow>;
  readonly windows: Map<string, WindowRow>;
  readonly slices: Map<string, SliceRow>;
  readonly budgetLimits: Map<string, bigint>;
  readonly adjustments: (Adjustment & { readonly atMs: number })[];
}

function memoryRowStorage(): RowStorage {
  const tables: Tables = { accounts: new Map(), windows: new Map(), slices: new Map(), budgetLimits: new Map(), adjustments: [] };
  let last: Promise<unknown> = Promise.resolve();
  return {
    ensure: async (specs) => {
      for (const spec of specs) {
        if (!tables.accounts.has(spec.key)) tables.accounts.set(spec.key, { spec, setLimit: null, budgetLimit: null, open: null });
      }
    },
    change: async (work) => {
      const mine = last.then(async () => changeOnce(tables, work));
      last = mine.catch(() => undefined);
      return mine;
    },
    slicesOf: async (holder) => [...tables.slices.values()].filter((slice) => slice.holder === holder && !slice.isOver)
      .map(({ key, windowStartMs, granted, used, returned }) => ({ key, windowStartMs, granted, used, returned }))
      .toSorted((one, other) => compare(one.key, other.key) || one.windowStartMs - other.windowStartMs),
    look: async ({ budget, keys, limit }, now) => [...tables.accounts.values()]
      .filter(({ spec }) => (budget === undefined || spec.budget === budget) && (keys === undefined || keys.includes(spec.key)))
      .toSorted((one, other) => compare(one.spec.budget, other.spec.budget) || compare(one.spec.key, other.spec.key))
      .slice(0, limit).map((account) => lookAt(tables, account, now)),
    keysOf: async (budget) => [...tables.accounts.values()].filter(({ spec }) => spec.budget === budget).map(({ spec }) => spec.key).toSorted(compare),
    forget: async (nowMs) => { forget(tables, nowMs); },
    close: async () => undefined,
  };
}

/** Rows are never changed in place: what is saved shows once all of it is done. */
async function changeOnce<T>(tables: Tables, work: (rows: LockedRows) => Promise<T>): Promise<T> {
  const saves: (() => void)[] = [];
  const result = await work({
    lock: async (keys) => new Map(keys.flatMap((key) => {
      const account = tables.accounts.get(key);
      return account === undefined ? [] : [[key, withBudgetLimit(tables, account)] as const];
    })),
    read: async (places, holder) => places.map(({ key, startMs }) => ({
      window: tables.windows.get(nameOf(key, startMs)) ?? null, slice: tables.slices.get(nameOf(key, startMs, holder)) ?? null,
    })),
    slicesIn: async ({ key, startMs }) => slicesAt(tables, key, startMs),
    save: async ({ accounts = [], windows = [], slices = [] }) => {
      saves.push(() => {
        for (const account of accounts) tables.accounts.set(account.spec.key, account);
        for (const window of windows) tables.windows.set(nameOf(window.key, window.startMs), window);
        for (const slice of slices) tables.slices.set(nameOf(slice.key, slice.windowStartMs, slice.holder), slice);
      });
    },
    setBudgetLimit: async (budget, limit) => {
      saves.push(() => {
        if (limit === null) tables.budgetLimits.delete(budget);
        else tables.budgetLimits.set(budget, limit);
      });
    },
    note: async (adjustment, atMs) => { saves.push(() => { tables.adjustments.push({ ...adjustment, atMs }); }); },
  });
  for (const save of saves) save();
  return result;
}

function lookAt(tables: Tables, account: AccountRow, now: { readonly nowMs: number; readonly ttlMs: number }): Look {
  const { key } = account.spec;
  const startMs = account.open?.startMs ?? 0;
  const silent = slicesAt(tables, key, startMs).filter((slice) => isSilent(slice, now));
  return {
    account: withBudgetLimit(tables, account), window: tables.windows.get(nameOf(key, startMs)) ?? null,
    lost: silent.reduce((sum, slice) => sum + outstandingOf(slice), 0n),
  };
}

function withBudgetLimit({ budgetLimits }: Tables, account: AccountRow): AccountRow {
  return { ...account, budgetLimit: budgetLimits.get(account.spec.budget) ?? null };
}

function slicesAt({ slices }: Tables, key: string, startMs: number): SliceRow[] {
  return [...slices.values()].filter((slice) => slice.key === key && slice.windowStartMs === startMs && !slice.isOver);
}

function forget({ accounts, windows, slices }: Tables, nowMs: number): void {
  const ended = (endMs: number | null, keptMs: number) => endMs !== null && endMs < nowMs - keptMs;
  for (const [name, slice] of slices) {
    if (ended(windows.get(nameOf(slice.key, slice.windowStartMs))?.endMs ?? null, KEPT_BRIEFLY_MS)) slices.delete(name);
  }
  for (const [name, { startMs, endMs }] of windows) {
    const isShort = endMs !== null && endMs - startMs < SHORTEST_DAY_MS;
    if (ended(endMs, isShort ? KEPT_BRIEFLY_MS : KEPT_MS)) windows.delete(name);
  }
  for (const [key, { open, setLimit }] of accounts) if (setLimit === null && ended(open?.endMs ?? null, KEPT_MS)) accounts.delete(key);
}

const nameOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
