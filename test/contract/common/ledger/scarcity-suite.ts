import { beforeEach, describe, expect, test } from "vitest";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import type { Grant, LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { aClaim, anAccount, aReport, grantOf, shortageOf, standingOf } from "../../../support/ledger-accounts.ts";
import { TestClock } from "../../../support/test-clock.ts";
import { TTL_MS, type SuiteOptions } from "./ledger-store-suite.ts";

/** What every LedgerStore promises when there is too little for all, and when holders do not come back. */
export function describeScarcity(name: string, open: (options: SuiteOptions) => Promise<LedgerStore>): void {
  describe(`scarcity in the ledger store over ${name}`, () => {
    let clock: TestClock;
    let store: LedgerStore;
    beforeEach(async () => {
      clock = new TestClock();
      store = await open({ clock, ttlMs: TTL_MS });
    });

    /** The first holder has `held` of 100; the second then asks for `need`. */
    const holding = async (account: AccountSpec, held: bigint): Promise<Grant> => grantOf(await store.acquire("a", [aClaim(account, held)]));
    const ask = async (account: AccountSpec, need: bigint) => store.acquire("b", [aClaim(account, need)]);

    describe("a shortage", () => {
      test("is provisional while another may give back; what it gives is granted", async () => {
        const account = anAccount({ limit: 100n });
        const held = await holding(account, 90n);
        expect(shortageOf(await ask(account, 50n))).toMatchObject({ isProvisional: true, left: 10n });
        expect((await store.report("a", [aReport(held, { used: 20n })])).slices).toMatchObject([{ isWanted: true }]);
        expect(shortageOf(await ask(account, 50n))).toMatchObject({ isProvisional: true });
        expect((await store.report("a", [aReport(held, { used: 20n, returned: 70n })])).slices).toMatchObject([{ isWanted: false, settled: 20n, outstanding: 0n }]);
        expect(grantOf(await ask(account, 50n))).toMatchObject({ granted: 50n });
      });

      test("is exact once each holder was asked and has spoken again", async () => {
        const account = anAccount({ limit: 100n });
        const held = await holding(account, 90n);
        await store.acquire("c", [aClaim(account, 10n)]);
        const others = async () => [await store.report("a", [aReport(held)]), await store.report("c", [aReport(held)])];
        expect(shortageOf(await ask(account, 5n)).isProvisional).toBe(true);
        await others();
        expect(shortageOf(await ask(account, 5n)).isProvisional).toBe(true);
        await store.report("a", [aReport(held)]);
        expect(shortageOf(await ask(account, 5n)).isProvisional).toBe(true);
        await store.report("c", [aReport(held)]);
        expect(shortageOf(await ask(account, 5n))).toMatchObject({ isProvisional: false, left: 0n });
        expect(shortageOf(await ask(account, 5n)).isProvisional).toBe(false);
      });

      test("is exact at once where all that others hold would not do, or nobody else holds anything", async () => {
        const account = anAccount({ limit: 100n });
        await holding(account, 90n);
        expect(shortageOf(await ask(account, 101n)).isProvisional).toBe(false);
        expect(shortageOf(await store.acquire("a", [aClaim(account, 11n, { known: 90n, windowStartMs: clock.nowMs() })])).isProvisional).toBe(false);
        expect(shortageOf(await ask(account, 100n)).isProvisional).toBe(true);
      });

      test("asks anew when it comes again later: what was true a while ago is not exact now", async () => {
        const account = anAccount({ limit: 100n });
        const held = await holding(account, 100n);
        await ask(account, 5n);
        await store.report("a", [aReport(held)]);
        await store.report("a", [aReport(held)]);
        expect(shortageOf(await ask(account, 5n)).isProvisional).toBe(false);
        clock.advance(6_000);
        await store.report("a", [aReport(held)]);
        expect(shortageOf(await ask(account, 5n)).isProvisional).toBe(true);
      });

      test("makes grants those of the need alone, and nobody else is asked for anything once it is over", async () => {
        const account = anAccount({ limit: 1_000n });
        const held = await holding(account, 900n);
        await ask(account, 200n);
        expect(grantOf(await store.acquire("c", [aClaim(account, 3n, { want: 12n })])).granted).toBe(3n);
        clock.advance(6_000);
        expect((await store.report("a", [aReport(held)])).slices).toMatchObject([{ isWanted: false }]);
        expect(grantOf(await store.acquire("d", [aClaim(account, 3n, { want: 12n })])).granted).toBe(12n);
      });

      test("of one account leaves the others as they are, and asks nobody for them", async () => {
        const [scarce, plenty] = [anAccount({ limit: 10n }), anAccount()];
        const held = await store.acquire("a", [aClaim(scarce, 10n), aClaim(plenty, 10n)]);
        await store.acquire("b", [aClaim(scarce, 5n), aClaim(plenty, 5n)]);
        const places = held.kind === "granted" ? held.grants : [];
        expect((await store.report("a", places.map((place) => aReport(place)))).slices.map(({ key, isWanted }) => [key, isWanted])).toEqual([[scarce.key, true], [plenty.key, false]]);
      });
    });

    describe("a holder that is silent", () => {
      test("for longer than the TTL has lost its slices: they count, are shown, and nobody waits for them", async () => {
        const account = anAccount({ limit: 100n });
        await holding(account, 90n);
        clock.advance(TTL_MS);
        expect(await standingOf(store, account)).toMatchObject({ outstanding: 90n, lost: 0n });
        expect(shortageOf(await ask(account, 20n)).isProvisional).toBe(true);
        clock.advance(1);
        expect(await standingOf(store, account)).toMatchObject({ outstanding: 0n, lost: 90n, settled: 0n });
        expect(shortageOf(await ask(account, 20n))).toMatchObject({ isProvisional: false, left: 10n });
      });

      test("corrects it when it comes back", async () => {
        const account = anAccount({ limit: 100n });
        const held = await holding(account, 90n);
        clock.advance(TTL_MS + 1);
        expect(await store.slicesOf("a")).toContainEqual({ key: account.key, windowStartMs: held.windowStartMs, granted: 90n, used: 0n, returned: 0n });
        await store.report("a", [aReport(held, { used: 30n, isOver: true })]);
        expect(await standingOf(store, account)).toMatchObject({ settled: 30n, outstanding: 0n, lost: 0n });
        expect(grantOf(await ask(account, 70n)).granted).toBe(70n);
      });

      test("is not kept alive by a clock that was set back", async () => {
        const account = anAccount({ limit: 100n, window: "total" });
        await holding(account, 90n);
        clock.jump(-86_400_000);
        expect(await standingOf(store, account)).toMatchObject({ lost: 90n });
      });
    });
  });
}
