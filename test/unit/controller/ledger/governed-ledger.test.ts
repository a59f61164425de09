import { expect, test } from "vitest";
import { accountKey } from "../../../../common/ledger/account-key.ts";
import type { AccountSpec, Window } from "../../../../common/ledger/account.ts";
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

test("what it does not know, or knows with another window, is counted as the proxy says", async () => {
  const { of } = stand();
  expect(await of("n1").acquire("h", claim(specOf("agent.requests", 1_000n), 999n))).toMatchObject({ kind: "granted" });
  expect(await of("n1").acquire("h", claim(specOf("a.calls", 1_000n, "day"), 999n))).toMatchObject({ kind: "granted" });
});

test("a holder is its node's, whatever it is called", async () => {
  const { store, of } = stand();
  await of("n1").acquire("h", claim(specOf("x", 10n), 4n));
  expect([await of("n2").slicesOf("h"), await of("n1").slicesOf("h"), await store.slicesOf("n1/h")]).toMatchObject([[], [{ granted: 4n }], [{ granted: 4n }]]);
});
