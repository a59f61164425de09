import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amountsOf } from "../../../../proxy/model/usage.ts";
import type { Reservation } from "../../../../proxy/budget/budget-ledger.ts";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import { MemoryLedger } from "../../../../proxy/budget/memory-ledger.ts";
import { EgressError } from "../../../../proxy/errors.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";
import { TestClock } from "../../../support/test-clock.ts";

const NEVER = new AbortController().signal;
const agent = (name: string): AgentIdentity => ({ namespace: "local", name, thread: "t1", instance: "i1", user: "", labels: {}, chain: [] });

/** One step of a random history, on the ledger and on the model beside it. */
type Step =
  | { readonly kind: "reserve"; readonly agent: string; readonly budgets: readonly string[] }
  | { readonly kind: "take"; readonly of: number; readonly bytes: number }
  | { readonly kind: "settle"; readonly of: number; readonly share: number }
  | { readonly kind: "release"; readonly of: number }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "jump"; readonly ms: number };

const index = fc.nat(50);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("reserve" as const), agent: fc.constantFrom("a", "b"), budgets: fc.subarray(["team", "volume"]) }),
  fc.record({ kind: fc.constant("take" as const), of: index, bytes: fc.nat(400) }),
  // Up to 1.5: a caller may report more than it took.
  fc.record({ kind: fc.constant("settle" as const), of: index, share: fc.double({ min: 0, max: 1.5, noNaN: true }) }),
  fc.record({ kind: fc.constant("release" as const), of: index }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(40_000) }),
  fc.record({ kind: fc.constant("jump" as const), ms: fc.integer({ min: -90_000, max: 90_000 }) }),
);

class History {
  readonly clock = new TestClock();
  readonly #open: { readonly reservation: Reservation; taken: number }[] = [];
  readonly #ledger = new MemoryLedger(budgetConfig.parse({
    perAgent: { requests: 12, bytes: 1_000, window: "minute" },
    named: { team: { meter: "requests", limit: 7, window: "total" }, volume: { meter: "bytes", limit: 1_500, window: "minute" } },
  }), this.clock);
  #ids = 0;

  async run(next: Step): Promise<void> {
    if (next.kind === "advance") this.clock.advance(next.ms);
    else if (next.kind === "jump") this.clock.jump(next.ms);
    else if (next.kind === "reserve") await this.#reserve(next.agent, next.budgets);
    else await this.#change(next);
    this.check();
  }

  async #reserve(name: string, budgets: readonly string[]): Promise<void> {
    try {
      const reservation = await this.#ledger.reserve({ id: `e${this.#ids += 1}`, agent: agent(name), budgets: budgets, amounts: { requests: 1n } }, NEVER);
      this.#open.push({ reservation, taken: 0 });
    } catch (error) {
      if (EgressError.from(error).code !== "budget.exhausted") throw error;
    }
  }

  async #change(next: Exclude<Step, { kind: "reserve" | "advance" | "jump" }>): Promise<void> {
    const at = next.of % Math.max(1, this.#open.length);
    const held = this.#open[at];
    if (held === undefined) return;
    if (next.kind === "take") {
      if (held.reservation.take("out", next.bytes)) held.taken += next.bytes;
      return;
    }
    if (next.kind === "settle") await held.reservation.settle(amountsOf({ requestBytes: Math.floor(held.taken * next.share), responseBytes: 0 }));
    else await held.reservation.release();
    this.#open.splice(at, 1);
  }

  check(): void {
    for (const name of ["a", "b"]) {
      for (const [id, { limit, spent, reserved }] of Object.entries(this.#ledger.standing(agent(name)))) {
        if (spent < 0 || reserved < 0 || spent + reserved > limit || !Number.isSafeInteger(spent + reserved)) throw new Error(`${id}: ${spent} + ${reserved} of ${limit}`);
      }
    }
  }

  /** Ends what is open. @returns what is still reserved then */
  async end(): Promise<number> {
    for (const { reservation } of this.#open) await reservation.release();
    return ["a", "b"].flatMap((name) => Object.values(this.#ledger.standing(agent(name)))).reduce((sum, { reserved }) => sum + reserved, 0);
  }
}

describe("the ledger in memory", () => {
  test("never has more settled and reserved than the cap, whatever happens in whatever order", async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), async (steps) => {
      const history = new History();
      for (const each of steps) await history.run(each);
      expect(await history.end()).toBe(0);
    }), { numRuns: 300 });
  });

  test("refuses a new agent when it has no room to count for it, and still serves those that it knows", async () => {
    const ledger = new MemoryLedger(budgetConfig.parse({ perAgent: { requests: 5, window: "total" }, maxAccounts: 2 }), new TestClock());
    await (await ledger.reserve({ id: "1", agent: agent("a"), budgets: [], amounts: { requests: 1n } }, NEVER)).settle(amountsOf({ requestBytes: 0, responseBytes: 0 }));
    await ledger.reserve({ id: "2", agent: agent("b"), budgets: [], amounts: { requests: 1n } }, NEVER);
    await expect(ledger.reserve({ id: "3", agent: agent("c"), budgets: [], amounts: { requests: 1n } }, NEVER)).rejects.toMatchObject({ code: "budget.unavailable" });
    await ledger.reserve({ id: "4", agent: agent("a"), budgets: [], amounts: { requests: 1n } }, NEVER);
  });

  test("forgets agents whose window is over to make room, but never one that is still counted or open", async () => {
    const clock = new TestClock();
    const ledger = new MemoryLedger(budgetConfig.parse({ perAgent: { bytes: 100, window: "minute" }, maxAccounts: 2 }), clock);
    const open = await ledger.reserve({ id: "1", agent: agent("open"), budgets: [], amounts: { requests: 1n } }, NEVER);
    await (await ledger.reserve({ id: "2", agent: agent("past"), budgets: [], amounts: { requests: 1n } }, NEVER)).settle(amountsOf({ requestBytes: 100, responseBytes: 0 }));
    await expect(ledger.reserve({ id: "3", agent: agent("new"), budgets: [], amounts: { requests: 1n } }, NEVER)).rejects.toMatchObject({ code: "budget.unavailable" });
    clock.advance(60_000);
    await ledger.reserve({ id: "4", agent: agent("new"), budgets: [], amounts: { requests: 1n } }, NEVER);
    open.take("out", 100);
    expect(ledger.standing(agent("open"))["agent.bytes"]?.reserved).toBe(100);
  });
});

describe("budgets of the boundary", () => {
  const TEAM = { meter: "requests", limit: 3, window: "total" };
  const spent = (ledger: MemoryLedger, id: string) => ledger.standing(agent("a"))[id]?.spent;
  let id = 0;
  const use = async (ledger: MemoryLedger, budget: string) => (await ledger.reserve({ id: `b${id += 1}`, agent: agent("a"), budgets: [budget], amounts: { requests: 1n } }, NEVER)).settle(amountsOf({ requestBytes: 0, responseBytes: 0 }));
  const refusalOf = async (ledger: MemoryLedger, budget: string) => use(ledger, budget).then(() => null, (error: unknown) => EgressError.from(error));

  test("keep their counts when the limit changes, and say who can raise it", async () => {
    const ledger = new MemoryLedger(budgetConfig.parse({}), new TestClock());
    ledger.prepare({ "x.team": TEAM }).apply();
    await use(ledger, "x.team");
    await use(ledger, "x.team");
    ledger.prepare({ "x.team": { ...TEAM, limit: 2 } }).apply();
    expect((await refusalOf(ledger, "x.team"))?.explanation?.hint).toMatch(/the limit of Budget x\.team/);
    ledger.prepare({ "x.team": { ...TEAM, limit: 4 } }).apply();
    await use(ledger, "x.team");
    expect([spent(ledger, "x.team"), ledger.totals()]).toEqual([3, [{ id: "x.team", meter: "requests", limit: 4, settled: 3, reserved: 0 }]]);
  });

  test("count anew when they count something else", async () => {
    const ledger = new MemoryLedger(budgetConfig.parse({}), new TestClock());
    ledger.prepare({ "x.team": TEAM }).apply();
    await use(ledger, "x.team");
    ledger.prepare({ "x.team": { ...TEAM, window: "day" } }).apply();
    expect(spent(ledger, "x.team")).toBe(0);
  });

  test("that are gone charge nobody: who is charged to one is refused; one that comes back remembers", async () => {
    const ledger = new MemoryLedger(budgetConfig.parse({}), new TestClock());
    ledger.prepare({ "x.team": TEAM }).apply();
    await use(ledger, "x.team");
    ledger.prepare({}).apply();
    expect((await refusalOf(ledger, "x.team"))?.code).toBe("budget.unavailable");
    ledger.prepare({ "x.team": TEAM }).apply();
    expect(spent(ledger, "x.team")).toBe(1);
  });

  test("lowered below what is open charge what was reserved, and let nothing more through", async () => {
    const ledger = new MemoryLedger(budgetConfig.parse({}), new TestClock());
    const volume = { meter: "bytes", limit: 100, window: "total" };
    ledger.prepare({ "x.volume": volume }).apply();
    const open = await ledger.reserve({ id: "open", agent: agent("a"), budgets: ["x.volume"], amounts: { requests: 1n } }, NEVER);
    expect(open.take("out", 80)).toBe(true);
    ledger.prepare({ "x.volume": { ...volume, limit: 50 } }).apply();
    expect(open.take("out", 1)).toBe(false);
    await open.settle(amountsOf({ requestBytes: 80, responseBytes: 0 }));
    expect(spent(ledger, "x.volume")).toBe(80);
    expect((await refusalOf(ledger, "x.volume"))?.code).toBe("budget.exhausted");
  });

  test("cannot take the place of the configuration's, nor be what is no budget", () => {
    const ledger = new MemoryLedger(budgetConfig.parse({ named: { team: { meter: "requests", limit: 1 } }, perAgent: { requests: 5 } }), new TestClock());
    const { problems } = ledger.prepare({ team: TEAM, "agent.requests": TEAM, "x.odd": { ...TEAM, meter: "euros" }, "agent.day": TEAM });
    expect(problems).toEqual([expect.stringContaining("budget team:"), expect.stringContaining("budget agent.requests:"), expect.stringContaining("budget x.odd: meter")]);
  });

  test("of a namespace called `agent` are shared like all others", async () => {
    const ledger = new MemoryLedger(budgetConfig.parse({}), new TestClock());
    ledger.prepare({ "agent.day": TEAM }).apply();
    await use(ledger, "agent.day");
    expect(ledger.standing(agent("b"))["agent.day"]?.spent).toBe(1);
  });
});
