import { describe, expect, onTestFinished, test } from "vitest";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import type { LedgerStore } from "../../../../common/ledger/ledger-store.ts";
import type { EgressError } from "../../../../proxy/errors.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";
import { amountsOf } from "../../../../proxy/model/usage.ts";
import { testLedger } from "../../../support/budget-ledger.ts";
import { TestClock } from "../../../support/test-clock.ts";

const NEVER = new AbortController().signal;
const DAY_MS = 86_400_000;
const usage = (requestBytes: number, responseBytes = 0) => amountsOf({ requestBytes, responseBytes });
const agent = (over: Partial<AgentIdentity> = {}): AgentIdentity => ({ namespace: "local", name: "worker", thread: "t1", instance: "i1", user: "", labels: {}, chain: [], ...over });
const reasonOf = async (promise: Promise<unknown>) => promise.then(() => { throw new Error("it was admitted"); }, (error: unknown) => error as EgressError);

/** What every ledger promises (proxy/budget/budget-ledger.ts). */
export function describeLedger(name: string, openStore: (clock: TestClock) => Promise<LedgerStore>): void {
  async function start(budgets: Record<string, unknown>) {
    const clock = new TestClock();
    const store = await openStore(clock);
    const ledger = testLedger(budgetConfig.parse(budgets), clock, { store });
    onTestFinished(async () => {
      await ledger.close();
      await store.close();
    });
    let next = 0;
    const reserve = async (names: readonly string[] = [], who = agent(), id = `e${next += 1}`) => ledger.reserve({ id, agent: who, budgets: names, amounts: { requests: 1n } }, NEVER);
    return { clock, ledger, reserve };
  }
  const named = (over: Record<string, unknown> = {}) => ({ named: { team: { meter: "requests", limit: 2, ...over } } });

  describe(`budget ledger ${name}`, () => {
    test("admits everything where nothing is limited", async () => {
      const { ledger, reserve } = await start({});
      const reservation = await reserve();
      expect([reservation.take("out", 1e12), ledger.standing(agent())]).toEqual([true, {}]);
    });

    test("admits requests up to the limit and refuses the next", async () => {
      const { reserve } = await start(named());
      await reserve(["team"]);
      await reserve(["team"]);
      expect((await reasonOf(reserve(["team"]))).code).toBe("budget.exhausted");
    });

    test("refuses in words that name budget, limit, use and the end of the window", async () => {
      const { reserve } = await start(named({ limit: 1, window: "hour" }));
      await (await reserve(["team"])).settle(usage(0));
      expect((await reasonOf(reserve(["team"]))).explanation).toEqual({
        rule: "budget.team", reason: "team allows 1 requests per hour; 1 requests spent",
        hint: "It opens again at 2026-01-01T01:00:00.000Z; do not retry before. An operator can raise it: `weir budget topup team AMOUNT`, or for good budgets.named.team.limit.",
      });
    });

    test("counts a settled request once, however often it is settled or released after", async () => {
      const { ledger, reserve } = await start(named());
      const reservation = await reserve(["team"]);
      await reservation.settle(usage(0));
      await reservation.settle(usage(0));
      await reservation.release();
      expect(ledger.standing(agent())["team"]).toEqual({ limit: 2, spent: 1, reserved: 0 });
    });

    test("gives everything back on release, once", async () => {
      const { ledger, reserve } = await start({ perAgent: { requests: 5, bytes: 100 } });
      const reservation = await reserve();
      reservation.take("out", 60);
      await reservation.release();
      await reservation.settle(usage(60));
      expect(ledger.standing(agent())).toEqual({ "agent.requests": { limit: 5, spent: 0, reserved: 0 }, "agent.bytes": { limit: 100, spent: 0, reserved: 0 } });
    });

    test("lets bytes through up to the limit exactly, and not one more", async () => {
      const { reserve } = await start({ perAgent: { bytes: 100 } });
      const reservation = await reserve();
      expect([reservation.take("out", 60), reservation.take("out", 40), reservation.take("out", 1), reservation.take("out", 0)]).toEqual([true, true, false, true]);
    });

    test("says which budget cut the stream", async () => {
      const { reserve } = await start({ perAgent: { bytes: 10, window: "total" } });
      const reservation = await reserve();
      expect(reservation.refusal ?? null).toBeNull();
      reservation.take("out", 11);
      expect(reservation.refusal?.explanation).toMatchObject({ rule: "budget.agent.bytes", hint: expect.stringContaining("does not open again by itself") as unknown });
    });

    test("takes from all byte budgets or from none", async () => {
      const { ledger, reserve } = await start({ perAgent: { bytes: 100 }, named: { small: { meter: "bytes", limit: 10 } } });
      expect((await reserve(["small"])).take("out", 50)).toBe(false);
      expect(ledger.standing(agent())["agent.bytes"]?.reserved).toBe(0);
    });

    test("charges the bytes that were used and gives the rest of what was taken back", async () => {
      const { ledger, reserve } = await start({ perAgent: { bytes: 100 } });
      const reservation = await reserve();
      reservation.take("out", 60);
      await reservation.settle(usage(10, 20));
      expect(ledger.standing(agent())["agent.bytes"]).toEqual({ limit: 100, spent: 30, reserved: 0 });
    });

    test("charges no more than the limit even if more is reported than was taken", async () => {
      const { ledger, reserve } = await start({ perAgent: { bytes: 100 } });
      await (await reserve()).settle(usage(1_000));
      expect(ledger.standing(agent())["agent.bytes"]).toEqual({ limit: 100, spent: 100, reserved: 0 });
      expect((await reasonOf(reserve())).code).toBe("budget.exhausted");
    });

    test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("takes no %d bytes", async (bytes) => {
      const { reserve } = await start({ perAgent: { bytes: 100 } });
      expect((await reserve()).take("out", bytes)).toBe(false);
    });

    test("takes nothing more for a reservation that has ended", async () => {
      const { reserve } = await start({ perAgent: { bytes: 100 } });
      const reservation = await reserve();
      await reservation.settle(usage(0));
      expect(reservation.take("out", 1)).toBe(false);
    });

    test("reserves on every budget or on none", async () => {
      const { ledger, reserve } = await start({ named: { wide: { meter: "requests", limit: 10 }, narrow: { meter: "requests", limit: 0 } } });
      expect((await reasonOf(reserve(["wide", "narrow"]))).explanation?.rule).toBe("budget.narrow");
      expect(ledger.standing(agent())["wide"]?.reserved).toBe(0);
    });

    test("admits exactly the limit of five hundred parallel requests", async () => {
      const { ledger, reserve } = await start(named({ limit: 50 }));
      const outcomes = await Promise.allSettled(Array.from({ length: 500 }, async () => {
        const reservation = await reserve(["team"]);
        await Promise.resolve();
        await reservation.settle(usage(1));
      }));
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(50);
      expect(ledger.standing(agent())["team"]).toEqual({ limit: 50, spent: 50, reserved: 0 });
    });

    test("shares a named budget between agents, and keeps agents' own limits apart", async () => {
      const { reserve } = await start({ perAgent: { requests: 1 }, named: { team: { meter: "requests", limit: 2 } } });
      await reserve(["team"], agent({ name: "a" }));
      await reserve(["team"], agent({ name: "b" }));
      expect((await reasonOf(reserve(["team"], agent({ name: "c" })))).explanation?.rule).toBe("budget.team");
      expect((await reasonOf(reserve([], agent({ name: "a" })))).explanation?.rule).toBe("budget.agent.requests");
    });

    test("counts by thread in window thread: a new instance does not begin anew, another thread does", async () => {
      const { reserve } = await start({ perAgent: { requests: 1, window: "thread" } });
      await reserve();
      expect((await reasonOf(reserve([], agent({ instance: "i2" })))).code).toBe("budget.exhausted");
      await reserve([], agent({ thread: "t2" }));
    });

    test("takes no agent for another because their names run together", async () => {
      const { reserve } = await start({ perAgent: { requests: 1, window: "total" } });
      await reserve([], agent({ namespace: "a", name: "b.c" }));
      await reserve([], agent({ namespace: "a.b", name: "c" }));
      await reserve([], agent({ namespace: 'a","b', name: "c" }));
    });

    test("begins anew in the next window, and not before", async () => {
      const { clock, reserve } = await start(named({ limit: 1, window: "day" }));
      await (await reserve(["team"])).settle(usage(0));
      clock.advance(DAY_MS - 1);
      await reasonOf(reserve(["team"]));
      clock.advance(1);
      await reserve(["team"]);
    });

    test("opens no window twice when the clock is set back and forth", async () => {
      const { clock, reserve } = await start(named({ limit: 1, window: "day" }));
      clock.advance(DAY_MS);
      await (await reserve(["team"])).settle(usage(0));
      clock.jump(-DAY_MS);
      await reasonOf(reserve(["team"]));
      clock.jump(DAY_MS);
      expect((await reasonOf(reserve(["team"]))).code).toBe("budget.exhausted");
    });

    test("charges what is open when a window ends to the window in which it was held, and what is taken later to the one that runs", async () => {
      const { clock, ledger, reserve } = await start({ perAgent: { bytes: 100, window: "minute" } });
      const reservation = await reserve();
      reservation.take("out", 80);
      clock.advance(60_000);
      const later = await reserve();
      expect([reservation.take("out", 90), later.take("out", 20), later.take("out", 10)]).toEqual([true, false, true]);
      expect(ledger.standing(agent())["agent.bytes"]).toEqual({ limit: 100, spent: 0, reserved: 100 });
      await reservation.settle(usage(100));
      expect(ledger.standing(agent())["agent.bytes"]).toEqual({ limit: 100, spent: 20, reserved: 10 });
    });

    test.each(["constructor", "unknown"])("fails rather than admit against the budget %s, which does not exist", async (id) => {
      const { reserve } = await start(named());
      expect((await reasonOf(reserve([id]))).code).toBe("budget.unavailable");
    });

    test("fails rather than hold two reservations for one exchange", async () => {
      const { reserve } = await start(named());
      await reserve(["team"], agent(), "same");
      expect((await reasonOf(reserve(["team"], agent(), "same"))).code).toBe("budget.unavailable");
    });

    test("charges a budget once that policy names twice", async () => {
      const { ledger, reserve } = await start(named());
      await reserve(["team", "team"]);
      expect(ledger.standing(agent())["team"]?.reserved).toBe(1);
    });

    test("does nothing for an exchange that was ended before", async () => {
      const { ledger } = await start(named());
      await expect(ledger.reserve({ id: "e", agent: agent(), budgets: ["team"], amounts: { requests: 1n } }, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
      expect(ledger.standing(agent())["team"]?.reserved).toBe(0);
    });
  });
}
