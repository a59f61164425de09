import { describe, expect, test } from "vitest";
import { accountKey } from "../../../../common/ledger/account-key.ts";
import type { AccountSpec } from "../../../../common/ledger/account.ts";
import { AmountUnfit, ClaimRefused, LedgerUnavailable, type LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { storeOverLine, type LedgerLine } from "../../../../common/ledger/store-client.ts";
import { answerLedgerCall, type CallerRights } from "../../../../common/ledger/store-server.ts";
import { LEDGER_CALLS, type LedgerCall } from "../../../../common/ledger/wire.ts";
import { AMOUNT_LIMIT } from "../../../../common/meters.ts";
import { silentLog } from "../../../../common/log.ts";

const account: AccountSpec = {
  key: accountKey({ budget: "team", meter: "usd", window: "day", scope: "all", shared: [] }), budget: "team", meter: "usd", limit: AMOUNT_LIMIT, window: "day",
  timezone: "Europe/Berlin", thresholds: [{ percent: 80, action: "ask" }],
};
const windowOf = { windowStartMs: 0, windowEndMs: 86_400_000 };
const totals = { limit: AMOUNT_LIMIT, settled: 3n, outstanding: 4n };
const standing = { account, ...windowOf, ...totals, estimated: 1n, lost: 0n, topUp: 0n, waitsAtPercent: null };
const ALL: CallerRights = { calls: new Set(Object.keys(LEDGER_CALLS) as LedgerCall[]), isHolder: () => true };

function fakeStore(over: Partial<LedgerStore> = {}): LedgerStore {
  const crossings = [{ key: "k", budget: "team", percent: 80, action: "ask" as const, settled: 3n, limit: 4n }];
  return {
    acquire: async () => ({ kind: "granted", grants: [{ key: "k", ...windowOf, granted: 9n, ...totals, ttlMs: 30_000 }], crossings }),
    report: async () => ({ slices: [{ key: "k", windowStartMs: 0, isKnown: true, isWanted: false, ...totals, overspent: 2n }], crossings }),
    slicesOf: async () => [{ key: "k", windowStartMs: 0, granted: 9n, used: 2n, returned: 1n }],
    standings: async () => [standing],
    adjust: async () => [standing],
    close: async () => undefined,
    ...over,
  };
}

const lineTo = (store: LedgerStore, rights = ALL): LedgerLine => ({ send: async (call, body) => answerLedgerCall(store, { call, body }, rights, silentLog), close: async () => undefined });
const claim = { account, windowStartMs: null, known: 0n, need: 1n, want: AMOUNT_LIMIT };

describe("a ledger over a line", () => {
  test("answers as the store behind it, to the last digit", async () => {
    const store = fakeStore();
    const far = storeOverLine(lineTo(store));
    expect(await far.acquire("h", [claim])).toEqual(await store.acquire("h", [claim]));
    const report = { key: "k", windowStartMs: 0, used: 1n, estimated: 0n, returned: 2n, isOver: true };
    expect(await far.report("h", [report])).toEqual(await store.report("h", [report]));
    expect(await far.slicesOf("h")).toEqual(await store.slicesOf("h"));
    expect(await far.standings({ limit: 10 })).toEqual(await store.standings({ limit: 10 }));
    const adjustment = { budget: "team", by: "ann", why: "more work", kind: "topup", amount: 5n } as const;
    expect(await far.adjust(adjustment)).toEqual(await store.adjust(adjustment));
  });

  test("hands the store exactly what was asked", async () => {
    const seen: unknown[] = [];
    const far = storeOverLine(lineTo(fakeStore({ acquire: async (...asked) => { seen.push(asked); return { kind: "granted", grants: [], crossings: [] }; } })));
    await far.acquire("h", [claim]);
    expect(seen).toEqual([["h", [claim]]]);
  });

  test("says that an amount is none that a ledger keeps", async () => {
    const far = storeOverLine(lineTo(fakeStore({ adjust: async () => { throw new AmountUnfit(); } })));
    await expect(far.adjust({ budget: "team", by: "ann", why: "more work", kind: "topup", amount: AMOUNT_LIMIT })).rejects.toThrow(AmountUnfit);
  });

  test("says that the ledger is there and does not count this, and not why", async () => {
    const store = fakeStore({ acquire: async () => { throw new ClaimRefused("budget team counts otherwise by now"); } });
    await expect(storeOverLine(lineTo(store)).acquire("h", [claim])).rejects.toThrow(new ClaimRefused("the ledger refused acquire"));
  });

  test("is unavailable when the store is, and says nothing of why to the other side", async () => {
    const store = fakeStore({ acquire: async () => { throw new LedgerUnavailable("password=secret"); } });
    await expect(storeOverLine(lineTo(store)).acquire("h", [claim])).rejects.toThrow(LedgerUnavailable);
    expect(await answerLedgerCall(store, { call: "acquire", body: JSON.stringify({ holder: "h", claims: [{ ...claim, account: { ...account, limit: "1" }, known: "0", need: "1", want: "1" }] }) }, ALL, silentLog)).toEqual({ status: 503, body: '{"error":"the ledger does not answer"}' });
  });

  test.each([
    ["no JSON", "{"], ["another shape", "{}"], ["an amount as a number", '[{"key":"k","windowStartMs":0,"granted":9,"used":"2","returned":"1"}]'],
    ["a negative amount", '[{"key":"k","windowStartMs":0,"granted":"-9","used":"2","returned":"1"}]'],
    ["an amount that no store keeps", '[{"key":"k","windowStartMs":0,"granted":"9223372036854775808","used":"2","returned":"1"}]'],
  ])("concludes nothing from %s", async (_what, body) => {
    await expect(storeOverLine({ send: async () => ({ status: 200, body }), close: async () => undefined }).slicesOf("h")).rejects.toThrow(LedgerUnavailable);
  });

  test("concludes nothing from a line that fails", async () => {
    await expect(storeOverLine({ send: async () => { throw new Error("reset"); }, close: async () => undefined }).slicesOf("h")).rejects.toThrow(LedgerUnavailable);
  });
});

describe("whoever serves a ledger", () => {
  const ask = async (call: string, body: unknown, rights = ALL) => (await answerLedgerCall(fakeStore(), { call, body: JSON.stringify(body) }, rights, silentLog)).status;

  test("takes no call that the caller may not make, and one that it may", async () => {
    const rights: CallerRights = { calls: new Set(["slices"]), isHolder: (holder) => holder.startsWith("node-1.") };
    expect([await ask("adjust", {}, rights), await ask("slices", { holder: "node-2.x" }, rights), await ask("slices", { holder: "node-1.x" }, rights)]).toEqual([403, 403, 200]);
  });

  test.each(["toString", "unknown", ""])("knows no call %j", async (call) => {
    expect(await ask(call, {})).toBe(404);
  });

  test.each([{}, { holder: "h", more: 1 }, { holder: "a b" }, [], null])("refuses the malformed call %j", async (body) => {
    expect(await ask("slices", body)).toBe(400);
  });

  const wireClaim = (over: Partial<AccountSpec>) => ({ ...claim, account: { ...account, limit: "1", ...over }, known: "0", need: "1", want: "1" });

  test.each<[string, Partial<AccountSpec>]>([
    ["another budget", { budget: "other" }], ["another meter", { meter: "requests" }], ["another window", { window: "minute" }],
    ["a key that no program writes", { key: "k" }], ["a key of other things than texts", { key: '["team","usd","day","namespace",7]' }],
  ])("refuses a claim with %s than its key says, and takes one that is of its key", async (_what, over) => {
    expect([await ask("acquire", { holder: "h", claims: [wireClaim(over)] }), await ask("acquire", { holder: "h", claims: [wireClaim({})] })]).toEqual([400, 200]);
  });

  test("refuses a time zone that does not exist", async () => {
    expect(await ask("acquire", { holder: "h", claims: [wireClaim({ timezone: "Mars/Base" })] })).toBe(400);
  });
});
