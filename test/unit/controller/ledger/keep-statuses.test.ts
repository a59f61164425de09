import { beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { TYPES } from "../../../../common/kube/resource-types.ts";
import { accountKey } from "../../../../common/ledger/account-key.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { silentLog } from "../../../../common/log.ts";
import { writeBudgetStatuses } from "../../../../controller/ledger/keep-statuses.ts";
import type { KnownBudget } from "../../../../controller/ledger/known-budgets.ts";
import { MemoryKubeApi } from "../../../support/kube/memory-api.ts";
import { TestClock } from "../../../support/test-clock.ts";

const DAY_MS = 86_400_000;
const DAILY: KnownBudget = {
  id: "team-a.daily", namespace: "team-a", name: "daily", meter: "usd", limit: 2_000_000_000n, window: "day", timezone: "UTC", per: "all", parent: null,
  thresholds: [{ percent: 50, action: "notify" }, { percent: 80, action: "ask" }, { percent: 100, action: "notify" }],
};
const { signal } = new AbortController();

let clock: TestClock;
let budget: KnownBudget;
let stand: Awaited<ReturnType<typeof open>>;
beforeEach(async () => {
  clock = new TestClock();
  budget = DAILY;
  stand = await open();
});

async function open() {
  const api = new MemoryKubeApi();
  const ledger = openMemoryLedger({ clock });
  await api.create(TYPES.budgets, { metadata: { namespace: "team-a", name: "daily" }, spec: {} });
  const events: string[] = [];
  const forgotten: string[] = [];
  let slices = 0;
  const read = async () => (await api.list(TYPES.budgets, {})).items;
  const turn = async () => {
    const listed: readonly KubeObject[] = await read();
    return writeBudgetStatuses({
      api, ledger, log: silentLog, budgets: { find: (id) => (id === budget.id ? budget : null), all: () => [budget] }, informer: { list: () => [...listed] },
      store: { forgetExhaustion: async (id) => { forgotten.push(id); } }, record: (_regarding, { reason, note }) => { events.push(`${reason}: ${note}`); },
    }, signal);
  };
  const spend = async (amount: bigint, shared: readonly string[] = []) => {
    const { id, meter, window, limit, timezone, thresholds, per } = budget;
    const account = { key: accountKey({ budget: id, meter, window, scope: per, shared }), budget: id, meter, limit, window, timezone, thresholds: thresholds.map(({ percent }) => ({ percent, action: "notify" as const })) };
    const holder = `n/${slices += 1}`;
    const granted = await ledger.acquire(holder, [{ account, windowStartMs: null, known: 0n, need: amount, want: amount }]);
    if (granted.kind !== "granted") throw new Error("not granted");
    const windowStartMs = granted.grants[0]?.windowStartMs ?? 0;
    await ledger.report(holder, [{ key: account.key, windowStartMs, used: amount, estimated: 0n, returned: 0n, isOver: true }]);
  };
  return { ledger, events, forgotten, turn, spend, status: async () => (await read())[0]?.["status"] as Record<string, unknown> | undefined };
}

describe("a Budget's status", () => {
  test("says limit, spending and the end of the window, and is written only when that changes", async () => {
    expect(await stand.turn()).toBe(1);
    expect(await stand.status()).toMatchObject({ limit: "2.00", spent: "0.00", reserved: "0.00", percent: 0 });
    await stand.spend(500_000_001n);
    expect(await stand.turn()).toBe(1);
    const end = new Date((Math.floor(clock.nowMs() / DAY_MS) + 1) * DAY_MS).toISOString().replace(".000Z", "Z");
    expect(await stand.status()).toMatchObject({ limit: "2.00", spent: "0.500000001", percent: 25, windowEnd: end });
    expect(await stand.turn()).toBe(0);
  });

  test("begins anew with the window", async () => {
    await stand.spend(2_000_000_000n);
    await stand.turn();
    clock.advance(DAY_MS);
    expect(await stand.turn()).toBe(1);
    expect(await stand.status()).toMatchObject({ spent: "0.00", percent: 0 });
  });

  test("of a budget with a count for each agent shows the fullest first", async () => {
    budget = { ...DAILY, per: "agent" };
    await stand.spend(100_000_000n, ["team-a", "coder"]);
    await stand.spend(900_000_000n, ["team-a", "lead"]);
    await stand.turn();
    expect(await stand.status()).toMatchObject({ spent: "0.90", percent: 45, counts: [{ of: "team-a/lead", percent: 45 }, { of: "team-a/coder", spent: "0.10", percent: 5 }] });
  });

  test("says nothing of counts from before the Budget counted something else", async () => {
    await stand.spend(100n);
    budget = { ...DAILY, meter: "requests", limit: 10n };
    await stand.turn();
    expect(await stand.status()).toMatchObject({ limit: "10", spent: "0", percent: 0 });
  });
});

describe("an Event", () => {
  test("tells of each threshold once in a window, with what was spent; of several passed at once, of the highest", async () => {
    await stand.spend(1_000_000_000n);
    await stand.turn();
    await stand.turn();
    await stand.spend(1_000_000_000n);
    await stand.turn();
    expect(stand.events).toEqual(["BudgetAt50Percent: 50 % are spent: 1.00 of 2.00 dollars", "BudgetExhausted: 100 % are spent: 2.00 of 2.00 dollars"]);
    clock.advance(DAY_MS);
    await stand.turn();
    await stand.spend(1_000_000_000n);
    await stand.turn();
    expect(stand.events.slice(2)).toEqual(["BudgetAt50Percent: 50 % are spent: 1.00 of 2.00 dollars"]);
  });

  test("says that a threshold waits for a person, and whose count it is", async () => {
    budget = { ...DAILY, per: "user" };
    await stand.spend(1_600_000_000n, ["ada"]);
    await stand.turn();
    expect(stand.events).toEqual(["BudgetAt80Percent: 80 % are spent of ada: 1.60 of 2.00 dollars; it waits for a person"]);
  });
});

test("threads that a budget stopped are not stopped by it any more once it was raised", async () => {
  await stand.spend(2_000_000_000n);
  await stand.turn();
  expect(stand.forgotten).toEqual([]);
  await stand.ledger.adjust({ kind: "topup", amount: 2_000_000_000n, budget: "team-a.daily", by: "kim", why: "" });
  await stand.turn();
  expect([stand.forgotten, await stand.status()]).toMatchObject([["team-a.daily"], { limit: "4.00", percent: 50 }]);
});
