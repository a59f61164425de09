import { expect, test } from "vitest";
import { accountKey, type AccountName } from "../../../../common/ledger/account-key.ts";
import type { AccountSpec, Window } from "../../../../common/ledger/account.ts";
import { ClaimRefused } from "../../../../common/ledger/ledger-store.ts";
import { openMemoryLedger } from "../../../../common/ledger/memory-store.ts";
import { ledgerOfNode } from "../../../../controller/ledger/governed-ledger.ts";
import type { KnownBudget } from "../../../../controller/ledger/known-budgets.ts";
import { TestClock } from "../../../support/test-clock.ts";

const KNOWN: KnownBudget = {
  id: "a.calls", namespace: "a", name: "calls", meter: "requests", limit: 10n, window: "total", timezone: "UTC", per: "all", parent: null, thresholds: [{ percent: 50, action: "ask" }],
};
const specOf = (budget: string, limit: bigint, window: Window = "total"): AccountSpec =>
  ({ key: accountKey({ budget, meter: "requests", window, scope: "all", shared: [] }), budget, meter: "requests", limit, window, timezone: "UTC", thresholds: [] });
const claim = (account: AccountSpec, need: bigint) => [{ account, windowStartMs: null, known: 0n, need, want: need }];

function stand() {
  const store = openMemoryLedger({ clock: new TestClock() });
  return { store, of: (node: string) => ledgerOfNode(store, node, { find: (id) => (id === KNOWN.id ? KNOWN : null), all: () => [KNOWN] }) };
}

test("what the controller knows of a budget goes before what a proxy says of it: limit and thresholds", async () => {
  const { store, of } = stand();
  expect(await of("n1").acquire("h", claim(specOf("a.calls", 1_000n), 6n))).toMatchObject({ kind: "short", shortages: [{ limit: 5n, left: 5n }] });
  expect(await of("n1").acquire("h", claim(specOf("a.calls", 1n), 5n))).toMatchObject({ kind: "granted" });
  expect(await store.standings({ budget: "a.calls", limit: 1 })).toMatchObject([{ limit: 10n, account: { thresholds: KNOWN.thresholds } }]);
});

const OWN = { key: accountKey({ budget: "agent.requests", meter: "requests", window: "day", scope: "agent", shared: ["a", "writer"] }), window: "day" } as const;
const ALLOWANCE = { key: accountKey({ budget: "thread.allowance.requests", meter: "requests", window: "thread", scope: "thread", shared: ["a", "writer", "t1"] }), window: "thread" } as const;

test("what agents and threads have for themselves is counted as the proxy says, by the calendar of UTC, and waits for nobody", async () => {
  const { store, of } = stand();
  const lies: Partial<AccountSpec> = { timezone: "Pacific/Kiritimati", thresholds: [{ percent: 1, action: "ask" }, { percent: 80, action: "notify" }] };
  expect(await of("n1").acquire("h", claim({ ...specOf("agent.requests", 1_000n), ...OWN, ...lies }, 999n))).toMatchObject({ kind: "granted" });
  expect(await of("n1").acquire("h", claim({ ...specOf("thread.allowance.requests", 10n), ...ALLOWANCE }, 10n))).toMatchObject({ kind: "granted" });
  const [own] = await store.standings({ budget: "agent.requests", limit: 1 });
  expect(own?.account).toMatchObject({ timezone: "UTC", thresholds: [{ percent: 80, action: "notify" }] });
});

const keyOf = (over: Partial<AccountName>) => accountKey({ budget: "a.calls", meter: "requests", window: "total", scope: "all", shared: [], ...over });

test.each<[string, Partial<AccountSpec>]>([
  ["the name of a budget that there is not, and the key of one that there is", { budget: "nothing", limit: 1_000_000n }],
  ["the name of an agent's own, and the key of a team's", { budget: "agent.requests", limit: 1_000_000n }],
  ["another meter than its key", { meter: "usd" }],
  ["another window than its key: it would begin anew each minute", { window: "minute" }],
  ["a window that the budget has not", { key: keyOf({ window: "minute" }), window: "minute" }],
  ["a meter that the budget has not", { key: keyOf({ meter: "usd" }), meter: "usd" }],
  ["a count for each agent where all share one", { key: keyOf({ scope: "agent", shared: ["b", "x"] }) }],
  ["a budget that there is not", { key: keyOf({ budget: "a.gone" }), budget: "a.gone" }],
  ["an agent's own that all share", { key: keyOf({ budget: "agent.requests" }), budget: "agent.requests" }],
  ["an agent's own of another meter than its name", { key: accountKey({ budget: "agent.usd", meter: "requests", window: "total", scope: "agent", shared: ["a", "x"] }), budget: "agent.usd" }],
  ["an allowance that begins anew", { key: accountKey({ budget: "thread.allowance.requests", meter: "requests", window: "total", scope: "thread", shared: ["a", "x", "t"] }), budget: "thread.allowance.requests" }],
])("a proxy that claims %s gets nothing, and changes no count", async (_what, lie) => {
  const { store, of } = stand();
  await of("n1").acquire("h", claim(specOf("a.calls", 10n), 5n));
  const before = await store.standings({ limit: 10 });
  await expect(of("n2").acquire("h", claim({ ...specOf("a.calls", 10n), ...lie }, 1n))).rejects.toThrow(ClaimRefused);
  expect(await store.standings({ limit: 10 })).toEqual(before);
  expect(before).toMatchObject([{ outstanding: 5n }]);
});

test("a proxy that is behind charges a budget no more that has another window by now, nor anything with it", async () => {
  const { store, of } = stand();
  await expect(of("n1").acquire("h", [...claim({ ...specOf("agent.requests", 9n), ...OWN }, 1n), ...claim(specOf("a.calls", 10n, "day"), 1n)])).rejects.toThrow(ClaimRefused);
  expect(await store.standings({ limit: 10 })).toEqual([]);
});

test("a holder is its node's, whatever it is called", async () => {
  const { store, of } = stand();
  await of("n1").acquire("h", claim(specOf("a.calls", 10n), 4n));
  expect([await of("n2").slicesOf("h"), await of("n1").slicesOf("h"), await store.slicesOf("n1/h")]).toMatchObject([[], [{ granted: 4n }], [{ granted: 4n }]]);
});
