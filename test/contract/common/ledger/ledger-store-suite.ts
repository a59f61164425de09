import { beforeEach, describe, expect, test } from "vitest";
import type { LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { AMOUNT_LIMIT } from "../../../../common/meters.ts";
import { aClaim, anAccount, aReport, grantOf, grantsOf, shortageOf, shortagesOf, standingOf } from "../../../support/ledger-accounts.ts";
import { TestClock } from "../../../support/test-clock.ts";

export const TTL_MS = 10_000;

export interface SuiteOptions {
  readonly clock: TestClock;
  readonly ttlMs: number;
}

/** What every LedgerStore promises to those who hold slices. Each test has accounts of its own. */
export function describeLedgerStore(name: string, open: (options: SuiteOptions) => Promise<LedgerStore>): void {
  describe(`ledger store over ${name}`, () => {
    let clock: TestClock;
    let store: LedgerStore;
    beforeEach(async () => {
      clock = new TestClock();
      store = await open({ clock, ttlMs: TTL_MS });
    });

    describe("acquire", () => {
      test("grants up to the limit, and nothing above it", async () => {
        const account = anAccount({ limit: 100n });
        expect(grantOf(await store.acquire("a", [aClaim(account, 60n)]))).toMatchObject({ granted: 60n, outstanding: 60n, settled: 0n, limit: 100n, ttlMs: TTL_MS });
        expect(shortageOf(await store.acquire("b", [aClaim(account, 41n)]))).toMatchObject({ left: 40n, outstanding: 60n, limit: 100n });
        expect(grantOf(await store.acquire("b", [aClaim(account, 40n)]))).toMatchObject({ granted: 40n, outstanding: 100n });
      });

      test("says when the window began and ends", async () => {
        const { windowStartMs, windowEndMs } = grantOf(await store.acquire("a", [aClaim(anAccount(), 1n)]));
        expect([windowStartMs, windowEndMs]).toEqual([Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 2)]);
        const total = grantOf(await store.acquire("a", [aClaim(anAccount({ window: "total" }), 1n)]));
        expect([total.windowStartMs, total.windowEndMs]).toEqual([0, null]);
      });

      test("raises all accounts or none", async () => {
        const [team, user] = [anAccount({ limit: 1_000n }), anAccount({ limit: 10n })];
        expect(shortagesOf(await store.acquire("a", [aClaim(team, 11n), aClaim(user, 11n)])).map(({ key }) => key)).toEqual([user.key]);
        expect(await standingOf(store, team)).toMatchObject({ outstanding: 0n });
        expect(grantsOf(await store.acquire("a", [aClaim(team, 10n), aClaim(user, 10n)])).map(({ key, granted }) => [key, granted])).toEqual([[team.key, 10n], [user.key, 10n]]);
        expect(await standingOf(store, team)).toMatchObject({ outstanding: 10n });
      });

      test("names every account that has no room", async () => {
        const accounts = [anAccount({ limit: 1n }), anAccount(), anAccount({ limit: 0n })] as const;
        expect(shortagesOf(await store.acquire("a", accounts.map((account) => aClaim(account, 2n)))).map(({ key }) => key)).toEqual([accounts[0].key, accounts[2].key]);
      });

      test("grants what a lost answer granted again, not anew", async () => {
        const account = anAccount({ limit: 100n });
        const claim = aClaim(account, 60n);
        await store.acquire("a", [claim]);
        expect(grantOf(await store.acquire("a", [claim]))).toMatchObject({ granted: 60n, outstanding: 60n });
        const more = aClaim(account, 30n, { known: 60n, windowStartMs: clock.nowMs() });
        await store.acquire("a", [more]);
        expect(grantOf(await store.acquire("a", [more]))).toMatchObject({ granted: 90n, outstanding: 90n });
        expect(grantOf(await store.acquire("a", [{ ...more, need: 40n }]))).toMatchObject({ granted: 100n });
        expect(shortageOf(await store.acquire("a", [{ ...more, need: 41n }]))).toMatchObject({ left: 0n });
      });

      test("gives all that is wanted while there is plenty, less as the cap nears, and at its edge just the need", async () => {
        const account = anAccount({ limit: 1_000n });
        expect(grantOf(await store.acquire("a", [aClaim(account, 1n, { want: 100n })])).granted).toBe(100n);
        expect(grantOf(await store.acquire("b", [aClaim(account, 1n, { want: 800n })])).granted).toBe(112n);
        expect(grantOf(await store.acquire("c", [aClaim(account, 780n, { want: 788n })])).granted).toBe(780n);
        expect(grantOf(await store.acquire("d", [aClaim(account, 1n, { want: 8n })])).granted).toBe(1n);
        expect(grantOf(await store.acquire("e", [aClaim(account, 7n, { want: 100n })])).granted).toBe(7n);
        expect(shortageOf(await store.acquire("f", [aClaim(account, 1n)])).left).toBe(0n);
      });

      test("counts what a caller knows and the store does not, before it gives more", async () => {
        const account = anAccount({ limit: 100n });
        const windowStartMs = clock.nowMs();
        expect(shortageOf(await store.acquire("a", [aClaim(account, 50n, { known: 51n, windowStartMs })])).left).toBe(100n);
        expect(grantOf(await store.acquire("a", [aClaim(account, 50n, { known: 50n, windowStartMs })]))).toMatchObject({ granted: 100n, outstanding: 100n });
      });

      test("takes the limit as it is configured now: a lowered one stops everything new at once", async () => {
        const account = anAccount({ limit: 100n });
        await store.acquire("a", [aClaim(account, 60n)]);
        expect(shortageOf(await store.acquire("b", [aClaim({ ...account, limit: 50n }, 1n)]))).toMatchObject({ limit: 50n, left: 0n, outstanding: 60n });
        expect(grantOf(await store.acquire("b", [aClaim({ ...account, limit: 61n }, 1n)]))).toMatchObject({ limit: 61n, outstanding: 61n });
      });

      test("keeps the largest amounts exactly, and takes none that is larger or below zero", async () => {
        const account = anAccount({ limit: AMOUNT_LIMIT, window: "total", meter: "usd" });
        expect(grantOf(await store.acquire("a", [aClaim(account, AMOUNT_LIMIT - 1n)])).granted).toBe(AMOUNT_LIMIT - 1n);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 2n)])).left).toBe(1n);
        expect(grantOf(await store.acquire("b", [aClaim(account, 1n)]))).toMatchObject({ granted: 1n, outstanding: AMOUNT_LIMIT });
        for (const need of [-1n, AMOUNT_LIMIT + 1n]) await expect(store.acquire("a", [aClaim(anAccount(), need)])).rejects.toThrow(RangeError);
      });

      test("turns a slice away that would add up to more than a store keeps", async () => {
        const account = anAccount({ limit: AMOUNT_LIMIT, window: "total" });
        const place = { key: account.key, windowStartMs: 0 };
        await store.acquire("a", [aClaim(account, AMOUNT_LIMIT)]);
        await store.report("a", [aReport(place, { returned: AMOUNT_LIMIT })]);
        expect(shortageOf(await store.acquire("a", [aClaim(account, 1n, { known: AMOUNT_LIMIT, windowStartMs: 0 })]))).toMatchObject({ left: AMOUNT_LIMIT, isProvisional: false });
        expect(grantOf(await store.acquire("b", [aClaim(account, 1n)])).granted).toBe(1n);
      });

      test("takes no two claims on one account", async () => {
        const account = anAccount();
        await expect(store.acquire("a", [aClaim(account, 1n), aClaim(account, 1n)])).rejects.toThrow(RangeError);
      });
    });

    describe("report", () => {
      test("settles what was used and frees what was returned; saying it twice, or saying less, changes nothing", async () => {
        const account = anAccount({ limit: 100n });
        const grant = grantOf(await store.acquire("a", [aClaim(account, 80n)]));
        const said = aReport(grant, { used: 30n, estimated: 10n, returned: 20n });
        for (const report of [said, said, aReport(grant), { ...said, used: 29n }]) {
          const { slices: [slice] } = await store.report("a", [report]);
          expect(slice).toMatchObject({ key: account.key, isKnown: true, settled: 30n, outstanding: 30n, limit: 100n });
        }
        expect(await standingOf(store, account)).toMatchObject({ settled: 30n, estimated: 10n, outstanding: 30n, lost: 0n });
      });

      test("of a slice that is over gives everything else back, and the slice is not held any more", async () => {
        const account = anAccount({ limit: 100n });
        const grant = grantOf(await store.acquire("a", [aClaim(account, 80n)]));
        expect(await store.slicesOf("a")).toContainEqual({ key: account.key, windowStartMs: grant.windowStartMs, granted: 80n, used: 0n, returned: 0n });
        await store.report("a", [aReport(grant, { used: 30n, isOver: true })]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 30n, outstanding: 0n });
        expect((await store.slicesOf("a")).filter(({ key }) => key === account.key)).toEqual([]);
        expect(grantOf(await store.acquire("b", [aClaim(account, 70n)]))).toMatchObject({ settled: 30n, outstanding: 70n });
      });

      test("does not believe more than was granted", async () => {
        const account = anAccount({ limit: 100n });
        const grant = grantOf(await store.acquire("a", [aClaim(account, 50n)]));
        await store.report("a", [aReport(grant, { used: 60n, returned: 60n })]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 50n, outstanding: 0n });
      });

      test("says that it does not know a slice, and takes note of the others", async () => {
        const account = anAccount();
        const grant = grantOf(await store.acquire("a", [aClaim(account, 50n)]));
        const reports = [aReport({ key: "[\"nobody\"]", windowStartMs: 0 }), aReport(grant, { used: 5n }), aReport({ ...grant, windowStartMs: grant.windowStartMs - 86_400_000 })];
        const { slices } = await store.report("a", reports);
        expect(slices.map(({ isKnown }) => isKnown)).toEqual([false, true, false]);
        expect((await store.report("b", [aReport(grant, { used: 5n })])).slices).toMatchObject([{ isKnown: false }]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 5n });
      });

      test("takes long lists", async () => {
        const accounts = Array.from({ length: 450 }, () => anAccount());
        for (let from = 0; from < accounts.length; from += 150) await store.acquire("many", accounts.slice(from, from + 150).map((account) => aClaim(account, 9n)));
        const reports = accounts.map(({ key }) => aReport({ key, windowStartMs: Date.UTC(2026, 0, 1) }, { used: 4n, isOver: true }));
        const { slices } = await store.report("many", reports);
        expect(slices.map(({ key, settled, outstanding }) => [key, settled, outstanding])).toEqual(accounts.map(({ key }) => [key, 4n, 0n]));
      });

      test("takes no two reports of one slice, and no amount below zero", async () => {
        const place = { key: "k", windowStartMs: 0 };
        await expect(store.report("a", [aReport(place), aReport(place)])).rejects.toThrow(RangeError);
        await expect(store.report("a", [aReport(place, { used: -1n })])).rejects.toThrow(RangeError);
      });
    });

    describe("a slice that was over", () => {
      test("begins anew for a caller that has forgotten it: it is not given twice what it used", async () => {
        const account = anAccount({ limit: 100n });
        const grant = grantOf(await store.acquire("a", [aClaim(account, 80n)]));
        await store.report("a", [aReport(grant, { used: 70n, isOver: true })]);
        expect(grantOf(await store.acquire("a", [aClaim(account, 10n)]))).toMatchObject({ granted: 10n, settled: 70n, outstanding: 10n });
        expect(shortageOf(await store.acquire("a", [aClaim(account, 31n)])).left).toBe(20n);
        await store.report("a", [aReport(grant, { used: 10n, isOver: true })]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 80n, outstanding: 0n });
      });

      test("goes on for a caller that remembers it", async () => {
        const account = anAccount({ limit: 100n });
        const grant = grantOf(await store.acquire("a", [aClaim(account, 80n)]));
        await store.report("a", [aReport(grant, { used: 70n, isOver: true })]);
        expect(grantOf(await store.acquire("a", [aClaim(account, 10n, { known: 80n, windowStartMs: grant.windowStartMs })]))).toMatchObject({ granted: 90n, outstanding: 10n });
        await store.report("a", [aReport(grant, { used: 80n, returned: 10n })]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 80n, outstanding: 0n });
      });
    });
  });
}
