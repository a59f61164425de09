import { describe, expect, onTestFinished, test, vi } from "vitest";
import { LedgerUnavailable, type LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import type { BudgetEvent } from "../../../../proxy/budget/ledger-context.ts";
import type { LeasingLedger } from "../../../../proxy/budget/leasing-ledger.ts";
import type { EgressError } from "../../../../proxy/errors.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";
import { testLedger } from "../../../support/budget-ledger.ts";
import { TestClock } from "../../../support/test-clock.ts";

const NEVER = new AbortController().signal;
const agent = (over: Partial<AgentIdentity> = {}): AgentIdentity => ({ namespace: "local", name: "worker", thread: "t1", instance: "i1", user: "ann", labels: {}, chain: [], ...over });
const codeOf = async (promise: Promise<unknown>) => promise.then(() => "admitted", (error: unknown) => (error as EgressError).code);
const USD = { meter: "usd", window: "total" } as const;
const usd = (dollars: number) => ({ usd: BigInt(Math.round(dollars * 1e9)) });

/** What ledgers of several proxies promise together, and what one does when the store is slow, lost, or changes its mind. */
export function describeSharing(name: string, openStore: (clock: TestClock) => Promise<LedgerStore>): void {
  async function start(named: Record<string, unknown>, proxies = 1, over: { readonly deadlineMs?: number } = {}) {
    const clock = new TestClock();
    const store = await openStore(clock);
    const state = { isLost: false };
    const through = async <T>(call: () => Promise<T>): Promise<T> => {
      if (state.isLost) throw new LedgerUnavailable("lost");
      return call();
    };
    const faulty: LedgerStore = {
      ...store,
      acquire: async (...asked) => through(async () => store.acquire(...asked)), report: async (...asked) => through(async () => store.report(...asked)),
      slicesOf: async (...asked) => through(async () => store.slicesOf(...asked)), standings: async (...asked) => through(async () => store.standings(...asked)),
    };
    const events: BudgetEvent[] = [];
    const ledgers = Array.from({ length: proxies }, (_none, index) => testLedger(budgetConfig.parse({ named }), clock, {
      store: faulty, holder: `proxy-${index}`, events, timing: { deadlineMs: over.deadlineMs ?? 2_000, reportIntervalMs: 20 },
    }));
    onTestFinished(async () => {
      for (const ledger of ledgers) await ledger.close();
      await store.close();
    });
    let ids = 0;
    const reserve = async (ledger: LeasingLedger | undefined, amounts: Record<string, bigint>, budgets = ["team"], who = agent()) =>
      ledger!.reserve({ id: `e${ids += 1}`, agent: who, budgets, amounts }, NEVER);
    const totals = async (budget = "team") => (await store.standings({ budget, limit: 100 })).map(({ settled, outstanding }) => ({ settled, outstanding }));
    return { clock, store, state, events, ledgers, ledger: ledgers[0]!, reserve, totals };
  }

  describe(`ledgers ${name}`, () => {
    test("of four proxies admit exactly ten of a thousand requests that each cost a tenth of the cap", { timeout: 30_000 }, async () => {
      const { ledgers, reserve } = await start({ team: { ...USD, limit: 10 } }, 4);
      const outcomes = await Promise.all(Array.from({ length: 1_000 }, async (_none, index) => codeOf(reserve(ledgers[index % 4], usd(1)))));
      expect(outcomes.filter((outcome) => outcome === "admitted")).toHaveLength(10);
      expect(new Set(outcomes)).toEqual(new Set(["admitted", "budget.exhausted"]));
    });

    test("ask the store once for many who wait", async () => {
      const { ledger, store, reserve } = await start({ team: { ...USD, limit: 10_000 } });
      let calls = 0;
      const { acquire } = store;
      store.acquire = async (...asked) => { calls += 1; return acquire(...asked); };
      await Promise.all(Array.from({ length: 200 }, async () => reserve(ledger, usd(1))));
      expect(calls).toBeLessThan(10);
    });

    test("serve those who wait in the order in which they came", async () => {
      const { ledger, reserve } = await start({ team: { ...USD, limit: 3 } });
      const order: number[] = [];
      await Promise.allSettled([1, 2, 3, 4].map(async (number) => reserve(ledger, usd(1)).then(() => order.push(number))));
      expect(order).toEqual([1, 2, 3]);
    });

    test("let a proxy have what another has given back, at once when it is wanted", async () => {
      const { ledgers: [first, second], reserve } = await start({ team: { ...USD, limit: 10 } }, 2);
      const held = await reserve(first, usd(10));
      expect(await codeOf(reserve(second, usd(1)))).toBe("budget.exhausted");
      await held.settle(usd(4));
      await expect(reserve(second, usd(6))).resolves.toBeDefined();
      expect(await codeOf(reserve(first, usd(0.000000001)))).toBe("budget.exhausted");
    });

    test("charge what requests used, to the nano-dollar, and hold nothing when they are closed", async () => {
      const { ledgers, reserve, totals } = await start({ team: { ...USD, limit: 10 } }, 2);
      for (const ledger of ledgers) await (await reserve(ledger, usd(1))).settle({ usd: 123_456_789n }, { usd: 456n });
      for (const ledger of ledgers) await ledger.close();
      expect(await totals()).toEqual([{ settled: 246_913_578n, outstanding: 0n }]);
    });

    test("spend what was lent while the ledger is lost, then refuse, and go on when it is back", async () => {
      const { clock, ledger, state, events, reserve } = await start({ team: { ...USD, limit: 1_000 } }, 1, { deadlineMs: 100 });
      for (let index = 0; index < 5; index += 1) await reserve(ledger, usd(1));
      state.isLost = true;
      const outcomes = [];
      for (let index = 0; index < 200; index += 1) {
        outcomes.push(await codeOf(reserve(ledger, usd(1))));
        clock.advance(10);
      }
      expect(outcomes[0]).toBe("admitted");
      expect(outcomes.at(-1)).toBe("budget.unavailable");
      state.isLost = false;
      await reserve(ledger, usd(1));
      expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(["ledger.lost", "ledger.back"]));
    });

    test("let requests pass where the budget says so while the ledger is lost, tell each, and charge them when it is back", async () => {
      const { ledger, state, events, reserve, totals } = await start({ team: { ...USD, limit: 10, whenLedgerIsLost: "allow" } }, 1, { deadlineMs: 50 });
      state.isLost = true;
      const reservation = await reserve(ledger, usd(1));
      expect(events.filter(({ event }) => event === "budget.unbacked")).toHaveLength(1);
      await reservation.settle(usd(0.5));
      state.isLost = false;
      await ledger.turn();
      await ledger.turn();
      expect(await totals()).toMatchObject([{ settled: 500_000_000n }]);
    });

    test("charge the parents of a budget too, and admit nothing that one of them has no room for", async () => {
      const { ledger, reserve } = await start({ org: { ...USD, limit: 2 }, team: { ...USD, limit: 5, parent: "org" }, app: { ...USD, limit: 4, parent: "team" } });
      await reserve(ledger, usd(1.5), ["app"]);
      expect((await reserve(ledger, usd(1), ["app"]).catch((error: unknown) => error as EgressError) as EgressError).explanation?.rule).toBe("budget.org");
      expect(ledger.standing(agent())["app"]?.reserved).toBe(1.5);
    });

    test("apply a budget to whom it selects without being named, and to nobody else", async () => {
      const { ledger, reserve } = await start({ "all-of-ann": { ...USD, limit: 1, applies: "always", to: { users: ["ann"] } } });
      expect(await codeOf(reserve(ledger, usd(2), []))).toBe("budget.exhausted");
      expect(await codeOf(reserve(ledger, usd(2), [], agent({ user: "bob" })))).toBe("admitted");
    });

    test.each([
      ["namespace", { name: "other", user: "bob", thread: "t2" }, { namespace: "far" }], ["user", { namespace: "far", name: "other" }, { user: "bob" }],
      ["agent", { thread: "t2", user: "bob" }, { name: "other" }], ["thread", { user: "bob", instance: "i2" }, { thread: "t2" }],
    ] as const)("keep a count for each %s", async (per, same, other) => {
      const { ledger, reserve } = await start({ team: { ...USD, limit: 1, per } });
      await reserve(ledger, usd(1));
      expect([await codeOf(reserve(ledger, usd(1), ["team"], agent(same))), await codeOf(reserve(ledger, usd(1), ["team"], agent(other)))]).toEqual(["budget.exhausted", "admitted"]);
    });

    test("charge what a child thread spends to the threads above it", async () => {
      const { ledger, reserve } = await start({ team: { ...USD, limit: 3, window: "thread" } });
      await reserve(ledger, usd(2), ["team"], agent({ name: "helper", thread: "c1", chain: ["local/worker/t1"] }));
      expect(await codeOf(reserve(ledger, usd(2)))).toBe("budget.exhausted");
      expect(await codeOf(reserve(ledger, usd(2), ["team"], agent({ name: "helper", thread: "c2", chain: ["local/worker/t2"] })))).toBe("admitted");
    });

    test("hold a thread, and those that it spawned, to the allowance that it was given", async () => {
      const { ledger, reserve } = await start({});
      const child = agent({ thread: "c1", chain: ["local/worker/t1"], allowance: { usd: "2000000000" } });
      const grandchild = agent({ thread: "g1", chain: ["local/worker/t1", "local/worker/c1"], chainAllowances: [{}, { usd: "2000000000" }] });
      await reserve(ledger, usd(1.5), [], child);
      expect([await codeOf(reserve(ledger, usd(1), [], grandchild)), await codeOf(reserve(ledger, usd(0.5), [], grandchild))]).toEqual(["budget.exhausted", "admitted"]);
    });

    test("count by a limit that was lowered with the next request, whatever was held ahead", async () => {
      const { ledger, reserve } = await start({});
      const team = (limit: number) => { ledger.prepare({ team: { ...USD, limit } }).apply(); };
      team(1_000);
      for (let index = 0; index < 3; index += 1) await reserve(ledger, usd(1));
      team(3);
      expect(await codeOf(reserve(ledger, usd(0.01)))).toBe("budget.exhausted");
      team(4);
      expect(await codeOf(reserve(ledger, usd(1)))).toBe("admitted");
    });

    test("go on when an operator tops a budget up", async () => {
      const { ledger, store, reserve } = await start({ team: { ...USD, limit: 1 } });
      await reserve(ledger, usd(1));
      expect(await codeOf(reserve(ledger, usd(1)))).toBe("budget.exhausted");
      await store.adjust({ budget: "team", by: "ann", why: "more work", kind: "topup", amount: 1_000_000_000n });
      expect(await codeOf(reserve(ledger, usd(1)))).toBe("admitted");
    });

    test("wait for a person at a threshold that asks, and say so", async () => {
      const { ledger, store, events, reserve } = await start({ team: { ...USD, limit: 10, thresholds: [{ percent: 50, action: "ask" }] } });
      await (await reserve(ledger, usd(5))).settle(usd(5));
      const refusal = await reserve(ledger, usd(1)).catch((error: unknown) => error as EgressError) as EgressError;
      expect(refusal.explanation?.hint).toContain("weir budget approve team");
      expect(events.find(({ event }) => event === "budget.threshold")?.fields).toMatchObject({ budget: "team", percent: 50, action: "ask" });
      await store.adjust({ budget: "team", by: "ann", why: "go on", kind: "approve" });
      expect(await codeOf(reserve(ledger, usd(1)))).toBe("admitted");
    });

    test("grow a reservation by what the store has, and cut it where that ends", async () => {
      const { ledger, reserve } = await start({ team: { ...USD, limit: 2 } });
      const reservation = await reserve(ledger, usd(1));
      expect([await reservation.extend(usd(1), NEVER), reservation.refusal, await reservation.extend({ usd: 1n }, NEVER)]).toEqual([true, null, false]);
      expect(reservation.refusal?.explanation?.rule).toBe("budget.team");
    });

    test("say how much is left, so that a request can be cut to fit", async () => {
      const { ledgers: [first, second], reserve } = await start({ team: { ...USD, limit: 10 } }, 2);
      await (await reserve(first, usd(6))).settle(usd(6));
      await first!.close();
      expect(await second!.headroom({ agent: agent(), budgets: ["team"] }, NEVER)).toEqual(usd(4));
    });

    test("give back what was not used for a while", async () => {
      const { clock, ledger, reserve, totals } = await start({ team: { ...USD, limit: 1_000 } });
      await (await reserve(ledger, usd(1))).settle(usd(1));
      clock.advance(6_000);
      await ledger.turn();
      expect(await totals()).toEqual([{ settled: 1_000_000_000n, outstanding: 0n }]);
    });

    test("learn what others have spent of a budget before anybody is charged to it here, and again after a while", async () => {
      const { clock, ledgers: [first, second], reserve } = await start({ team: { ...USD, limit: 10 } }, 2);
      await (await reserve(first, usd(6))).settle(usd(6));
      await first!.turn();
      const spent = () => second!.standing(agent())["team"];
      await second!.learn(agent());
      expect([spent()?.spent, second!.learn(agent())]).toEqual([6, null]);
      await (await reserve(first, usd(3))).settle(usd(3));
      await first!.turn();
      expect(spent()?.spent).toBe(6);
      clock.advance(10_000);
      await vi.waitFor(() => { expect(spent()?.spent).toBe(9); });
    });

    test("wait for nothing that is known, and not for a ledger that is lost", async () => {
      const { ledger, state, reserve } = await start({ team: { ...USD, limit: 10 }, own: { ...USD, limit: 5, per: "namespace" } }, 1, { deadlineMs: 50 });
      await reserve(ledger, usd(1), ["team", "own"]);
      expect(ledger.learn(agent())).toBeNull();
      state.isLost = true;
      const learning = ledger.learn(agent({ namespace: "far" }));
      expect(learning).not.toBeNull();
      await learning;
      expect(ledger.standing(agent({ namespace: "far" }))).toEqual({ team: { limit: 10, spent: 0, reserved: expect.any(Number) as number }, own: { limit: 5, spent: 0, reserved: 0 } });
    });

    test("charge more than was held as far as there is room, and tell what was beyond", async () => {
      const { ledger, events, reserve, totals } = await start({ team: { ...USD, limit: 2 } });
      await (await reserve(ledger, usd(1))).settle(usd(5));
      await ledger.close();
      expect(await totals()).toEqual([{ settled: 2_000_000_000n, outstanding: 0n }]);
      expect(events.find(({ event }) => event === "budget.overspent")?.fields).toMatchObject({ amount: "3000000000" });
    });
  });
}
