import { beforeEach, describe, expect, test } from "vitest";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import { AmountUnfit, type Adjustment, type LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { AMOUNT_LIMIT } from "../../../../common/meters.ts";
import { aClaim, anAccount, aReport, grantOf, shortageOf, standingOf } from "../../../support/ledger-accounts.ts";
import { TestClock } from "../../../support/test-clock.ts";
import { TTL_MS, type SuiteOptions } from "./ledger-store-suite.ts";

type Word = Adjustment extends infer A ? A extends Adjustment ? Omit<A, "budget" | "by" | "why"> : never : never;

/** What every LedgerStore promises to people: thresholds that tell and ask, and their word on a budget. */
export function describeOperators(name: string, open: (options: SuiteOptions) => Promise<LedgerStore>): void {
  describe(`thresholds and operators in the ledger store over ${name}`, () => {
    let clock: TestClock;
    let store: LedgerStore;
    beforeEach(async () => {
      clock = new TestClock();
      store = await open({ clock, ttlMs: TTL_MS });
    });

    /** Spends, by a holder that gives the rest back. */
    const spend = async (account: AccountSpec, amount: bigint, holder = `h${amount}`) => {
      const grant = grantOf(await store.acquire(holder, [aClaim(account, amount)]));
      return store.report(holder, [aReport(grant, { used: grant.granted, isOver: true })]);
    };
    const adjust = async ({ budget }: AccountSpec, word: Word) => store.adjust({ budget, by: "ada", why: "because", ...word });

    describe("thresholds", () => {
      test("are told once in a window, each to one caller", async () => {
        const account = anAccount({ limit: 100n, thresholds: [{ percent: 50, action: "notify" }, { percent: 80, action: "notify" }, { percent: 100, action: "notify" }] });
        expect((await spend(account, 49n)).crossings).toEqual([]);
        expect((await spend(account, 1n)).crossings).toEqual([{ key: account.key, budget: account.budget, percent: 50, action: "notify", settled: 50n, limit: 100n }]);
        expect((await spend(account, 2n)).crossings).toEqual([]);
        expect((await spend(account, 48n)).crossings.map(({ percent }) => percent)).toEqual([80, 100]);
        clock.advance(86_400_000);
        expect((await spend(account, 60n)).crossings.map(({ percent }) => percent)).toEqual([50]);
      });

      test("are not reached by what is only held", async () => {
        const account = anAccount({ limit: 100n, thresholds: [{ percent: 50, action: "notify" }] });
        expect(await store.acquire("a", [aClaim(account, 99n)])).toMatchObject({ kind: "granted", crossings: [] });
      });

      test("of a limit that is lowered are told with the next grant", async () => {
        const account = anAccount({ limit: 100n, thresholds: [{ percent: 50, action: "notify" }] });
        await spend(account, 20n);
        expect(await store.acquire("a", [aClaim({ ...account, limit: 40n }, 1n)])).toMatchObject({ kind: "granted", crossings: [{ percent: 50, settled: 20n, limit: 40n }] });
      });
    });

    describe("a threshold that asks", () => {
      const asking = (over: Partial<AccountSpec> = {}) => anAccount({ limit: 100n, thresholds: [{ percent: 50, action: "ask" }, { percent: 90, action: "ask" }], ...over });

      test("lets no more through than its share until a person approves", async () => {
        const account = asking();
        expect(grantOf(await store.acquire("a", [aClaim(account, 40n)]))).toMatchObject({ limit: 50n });
        expect(await store.acquire("a", [aClaim(account, 11n, { known: 40n, windowStartMs: clock.nowMs() })])).toMatchObject({
          kind: "short", shortages: [{ limit: 50n, left: 10n, isProvisional: false, waitsAtPercent: 50 }], crossings: [{ percent: 50, action: "ask", limit: 100n }],
        });
        expect(await standingOf(store, account)).toMatchObject({ waitsAtPercent: 50, limit: 100n });
        expect(await adjust(account, { kind: "approve" })).toMatchObject([{ waitsAtPercent: null }]);
        expect(grantOf(await store.acquire("a", [aClaim(account, 50n, { known: 40n, windowStartMs: clock.nowMs() })]))).toMatchObject({ granted: 90n, limit: 90n });
        expect(shortageOf(await store.acquire("b", [aClaim(account, 1n)]))).toMatchObject({ limit: 90n });
      });

      test("waits when its share is spent to the unit, too, and asks again in the next window", async () => {
        const account = asking();
        expect((await spend(account, 50n)).crossings).toMatchObject([{ percent: 50, action: "ask" }]);
        await adjust(account, { kind: "approve" });
        clock.advance(86_400_000);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 51n)]))).toMatchObject({ waitsAtPercent: 50, limit: 50n });
      });

      test("cannot be approved before it waits", async () => {
        const account = asking();
        await spend(account, 10n);
        expect(await adjust(account, { kind: "approve" })).toEqual([]);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 41n)])).waitsAtPercent).toBe(50);
      });

      test("beyond the last one, the limit itself is what is reached", async () => {
        const account = asking({ thresholds: [{ percent: 50, action: "ask" }] });
        await spend(account, 50n);
        await adjust(account, { kind: "approve" });
        await spend(account, 49n);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 2n)]))).toMatchObject({ waitsAtPercent: null, limit: 100n, left: 1n });
      });
    });

    describe("an operator", () => {
      test("sets another limit, for accounts that are still to come too, and takes it back", async () => {
        const account = anAccount({ limit: 100n });
        await store.acquire("a", [aClaim(account, 1n)]);
        expect(await adjust(account, { kind: "set", limit: 20n })).toMatchObject([{ limit: 20n, account: { limit: 100n } }]);
        const later = anAccount({ limit: 100n, budget: account.budget });
        expect(shortageOf(await store.acquire("a", [aClaim(later, 21n)]))).toMatchObject({ limit: 20n });
        expect(shortageOf(await store.acquire("b", [aClaim(account, 20n)]))).toMatchObject({ limit: 20n, left: 19n });
        clock.advance(86_400_000);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 21n)])).limit).toBe(20n);
        expect((await adjust(account, { kind: "set", limit: null })).map(({ limit }) => limit)).toEqual([100n, 100n]);
        expect(grantOf(await store.acquire("b", [aClaim(account, 21n)])).limit).toBe(100n);
      });

      test("sets the limit of one account alone", async () => {
        const one = anAccount({ limit: 100n });
        const other = anAccount({ limit: 100n, budget: one.budget });
        for (const account of [one, other]) await store.acquire("a", [aClaim(account, 1n)]);
        expect(await adjust(one, { kind: "set", key: one.key, limit: 5n })).toMatchObject([{ account: { key: one.key }, limit: 5n }]);
        expect(shortageOf(await store.acquire("b", [aClaim(one, 5n)])).limit).toBe(5n);
        expect(grantOf(await store.acquire("b", [aClaim(other, 5n)])).limit).toBe(100n);
        expect(await store.adjust({ kind: "set", budget: "another", key: one.key, limit: 9n, by: "ada", why: "x" })).toEqual([]);
      });

      test("gives more in this window alone", async () => {
        const account = anAccount({ limit: 10n });
        await store.acquire("a", [aClaim(account, 10n)]);
        expect(await adjust(account, { kind: "topup", amount: 5n })).toMatchObject([{ limit: 15n, topUp: 5n }]);
        expect(grantOf(await store.acquire("b", [aClaim(account, 5n)]))).toMatchObject({ limit: 15n });
        clock.advance(86_400_000);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 11n)])).limit).toBe(10n);
      });

      test("writes off what is lost, and what its holder spent of it all the same is told once and settled as far as there is room", async () => {
        const account = anAccount({ limit: 80n });
        const held = grantOf(await store.acquire("a", [aClaim(account, 10n)]));
        clock.advance(TTL_MS + 1);
        expect(await adjust(account, { kind: "reset" })).toMatchObject([{ lost: 0n, outstanding: 0n }]);
        await spend(account, 76n);
        const back = aReport(held, { used: 10n, estimated: 10n });
        expect((await store.report("a", [back])).slices).toMatchObject([{ isKnown: true, settled: 80n, outstanding: 0n, overspent: 6n }]);
        expect((await store.report("a", [{ ...back, isOver: true }])).slices).toMatchObject([{ settled: 80n, outstanding: 0n, overspent: 0n }]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 80n, estimated: 10n, outstanding: 0n, limit: 80n });
      });

      test("writes off what is lost, and believes nobody to have spent more than that", async () => {
        const account = anAccount({ limit: 80n });
        const held = grantOf(await store.acquire("a", [aClaim(account, 10n)]));
        clock.advance(TTL_MS + 1);
        await adjust(account, { kind: "reset" });
        await spend(account, 80n);
        expect((await store.report("a", [aReport(held, { used: 1_000n })])).slices).toMatchObject([{ settled: 80n, overspent: 10n }]);
      });

      test("begins a count anew: what is settled is forgotten, what is out stays out", async () => {
        const account = anAccount({ limit: 100n, thresholds: [{ percent: 50, action: "notify" }] });
        await spend(account, 60n);
        const held = grantOf(await store.acquire("a", [aClaim(account, 30n)]));
        expect(await adjust(account, { kind: "reset" })).toMatchObject([{ settled: 0n, estimated: 0n, outstanding: 30n, lost: 0n }]);
        expect(shortageOf(await store.acquire("b", [aClaim(account, 71n)]))).toMatchObject({ left: 70n });
        expect((await store.report("a", [aReport(held, { used: 10n })])).slices).toMatchObject([{ settled: 10n, outstanding: 20n }]);
        expect((await spend(account, 50n)).crossings).toMatchObject([{ percent: 50, settled: 60n }]);
      });

      test("writes off what is lost; a holder that comes back is charged as far as there is room", async () => {
        const account = anAccount({ limit: 100n });
        const held = grantOf(await store.acquire("a", [aClaim(account, 90n)]));
        clock.advance(TTL_MS + 1);
        await store.acquire("live", [aClaim(account, 4n)]);
        expect(await adjust(account, { kind: "reset" })).toMatchObject([{ outstanding: 4n, lost: 0n, settled: 0n }]);
        expect(grantOf(await store.acquire("b", [aClaim(account, 60n)]))).toMatchObject({ outstanding: 64n });
        expect((await store.report("a", [aReport(held, { used: 50n, isOver: true })])).slices).toMatchObject([{ settled: 36n, outstanding: 64n }]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 36n, outstanding: 64n, lost: 0n });
      });

      test("cannot give more than a store keeps, or less than nothing", async () => {
        const account = anAccount({ limit: AMOUNT_LIMIT });
        await store.acquire("a", [aClaim(account, 1n)]);
        expect(await adjust(account, { kind: "topup", amount: AMOUNT_LIMIT })).toMatchObject([{ limit: AMOUNT_LIMIT }]);
        await expect(adjust(account, { kind: "topup", amount: 1n })).rejects.toThrow(AmountUnfit);
        await expect(adjust(account, { kind: "set", limit: -1n })).rejects.toThrow(RangeError);
        expect(await standingOf(store, account)).toMatchObject({ limit: AMOUNT_LIMIT, topUp: AMOUNT_LIMIT });
      });

      test("says nothing to a budget that nobody has spent of, and what is set holds for the first who does", async () => {
        const account = anAccount({ limit: 100n });
        const words = [{ kind: "topup", amount: 1n }, { kind: "reset" }, { kind: "approve" }, { kind: "set", limit: 3n }] as const;
        for (const word of words) expect(await adjust(account, word)).toEqual([]);
        expect(shortageOf(await store.acquire("a", [aClaim(account, 4n)])).limit).toBe(3n);
      });
    });
  });
}
