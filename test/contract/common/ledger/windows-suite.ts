import { beforeEach, describe, expect, test } from "vitest";
import type { LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { aClaim, anAccount, aReport, grantOf, shortageOf, standingOf } from "../../../support/ledger-accounts.ts";
import { TestClock } from "../../../support/test-clock.ts";
import { TTL_MS, type SuiteOptions } from "./ledger-store-suite.ts";

/** What every LedgerStore promises as time goes by. */
export function describeWindows(name: string, open: (options: SuiteOptions) => Promise<LedgerStore>): void {
  describe(`time in the ledger store over ${name}`, () => {
    let clock: TestClock;
    let store: LedgerStore;
    beforeEach(async () => {
      clock = new TestClock();
      store = await open({ clock, ttlMs: TTL_MS });
    });

    describe("windows", () => {
      test("begin at zero when the day is over; what is reported late counts where it was granted", async () => {
        const account = anAccount({ limit: 100n });
        const before = grantOf(await store.acquire("a", [aClaim(account, 100n)]));
        clock.advance(86_400_000);
        const after = grantOf(await store.acquire("a", [aClaim(account, 90n, { known: 100n, windowStartMs: before.windowStartMs })]));
        expect(after).toMatchObject({ granted: 90n, settled: 0n, outstanding: 90n, windowStartMs: before.windowEndMs });
        expect((await store.report("a", [aReport(before, { used: 70n, isOver: true })])).slices).toMatchObject([{ settled: 70n, outstanding: 0n }]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 0n, outstanding: 90n });
      });

      test("do not open twice when the clock jumps ahead and back", async () => {
        const account = anAccount({ limit: 100n });
        await store.acquire("a", [aClaim(account, 100n)]);
        clock.jump(86_400_000);
        const tomorrow = grantOf(await store.acquire("a", [aClaim(account, 100n)]));
        clock.jump(-86_400_000);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 1n)]))).toMatchObject({ left: 0n, windowStartMs: tomorrow.windowStartMs });
        expect(await standingOf(store, account)).toMatchObject({ windowStartMs: tomorrow.windowStartMs });
        clock.jump(86_400_000);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 1n)])).left).toBe(0n);
        clock.jump(86_400_000);
        expect(grantOf(await store.acquire("b", [aClaim(account, 1n)])).settled).toBe(0n);
      });

      test("that never end are the same for ever", async () => {
        const account = anAccount({ limit: 100n, window: "thread" });
        await store.acquire("a", [aClaim(account, 100n)]);
        clock.advance(400 * 86_400_000);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 1n)]))).toMatchObject({ left: 0n, windowEndMs: null });
      });
    });

    describe("what is long over", () => {
      const DAY_MS = 86_400_000;
      /** Reports now and then make the store tidy up. */
      const pass = async (days: number) => {
        clock.advance(days * DAY_MS);
        await store.report("tidy", []);
      };

      test("is forgotten: a slice a week after its window, and not before", async () => {
        const account = anAccount({ limit: 100n });
        const grant = grantOf(await store.acquire("late", [aClaim(account, 10n)]));
        await pass(7);
        expect((await store.report("late", [aReport(grant, { used: 3n })])).slices).toMatchObject([{ isKnown: true, settled: 3n }]);
        await pass(2);
        expect((await store.report("late", [aReport(grant, { used: 4n })])).slices).toMatchObject([{ isKnown: false }]);
      });

      test("is not forgotten where it never ends, nor what an operator set", async () => {
        const [total, set] = [anAccount({ limit: 100n, window: "total" }), anAccount({ limit: 100n })];
        const grant = grantOf(await store.acquire("late", [aClaim(total, 10n)]));
        await store.acquire("late", [aClaim(set, 10n)]);
        await store.adjust({ kind: "set", budget: set.budget, key: set.key, limit: 5n, by: "ada", why: "less" });
        await pass(500);
        expect((await store.report("late", [aReport(grant, { used: 10n })])).slices).toMatchObject([{ isKnown: true, settled: 10n }]);
        expect(shortageOf(await store.acquire("late", [aClaim(set, 6n)])).limit).toBe(5n);
      });

      test("goes with its account after thirteen months", async () => {
        const account = anAccount({ limit: 100n });
        await store.acquire("late", [aClaim(account, 10n)]);
        await pass(390);
        expect(await store.standings({ budget: account.budget, limit: 1 })).toHaveLength(1);
        await pass(20);
        expect(await store.standings({ budget: account.budget, limit: 1 })).toEqual([]);
        expect(grantOf(await store.acquire("late", [aClaim(account, 10n)])).settled).toBe(0n);
      });
    });

    describe("standings", () => {
      test("are of one budget, in order of keys, no more than asked for, and of the window of now", async () => {
        const budget = anAccount().budget;
        const accounts = ["b", "a", "c"].map((user) => anAccount({ budget, key: `["${budget}","${user}"]`, limit: 7n }));
        for (const account of accounts) await store.acquire("a", [aClaim(account, 2n)]);
        const keys = (await store.standings({ budget, limit: 10 })).map(({ account: { key } }) => key);
        expect(keys).toEqual([accounts[1]?.key, accounts[0]?.key, accounts[2]?.key]);
        expect((await store.standings({ budget, limit: 2 })).map(({ account: { key } }) => key)).toEqual(keys.slice(0, 2));
        clock.advance(86_400_000);
        expect(await store.standings({ budget, limit: 1 })).toEqual([{
          account: accounts[1], windowStartMs: Date.UTC(2026, 0, 2), windowEndMs: Date.UTC(2026, 0, 3),
          limit: 7n, settled: 0n, estimated: 0n, outstanding: 0n, lost: 0n, topUp: 0n, waitsAtPercent: null,
        }]);
      });

      test("are of the keys that were asked for, and of no others", async () => {
        const accounts = [anAccount(), anAccount(), anAccount()];
        for (const account of accounts) await store.acquire("a", [aClaim(account, 2n)]);
        const [first, , third] = accounts.map(({ key }) => key);
        const asked = async (keys: readonly (string | undefined)[]) => (await store.standings({ keys: keys.map(String), limit: 10 })).map(({ account: { key } }) => key);
        expect(new Set(await asked([first, third, "unknown"]))).toEqual(new Set([first, third]));
        expect(await asked([])).toEqual([]);
      });

      test("of an unknown budget are none", async () => {
        expect(await store.standings({ budget: "nobody", limit: 10 })).toEqual([]);
      });
    });
  });
}
