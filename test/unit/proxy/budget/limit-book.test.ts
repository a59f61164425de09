import { describe, expect, test } from "vitest";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import { LimitBook } from "../../../../proxy/budget/limit-book.ts";
import type { AgentIdentity } from "../../../../proxy/model/agent.ts";

const agent = (over: Partial<AgentIdentity> = {}): AgentIdentity => ({ namespace: "ns", name: "worker", thread: "t", instance: "i", user: "ann", labels: {}, chain: [], ...over });
const USD = { meter: "usd", limit: 3 };
const book = (config: Record<string, unknown> = {}) => new LimitBook(budgetConfig.parse(config));
const ids = (limits: readonly { readonly id: string }[]) => limits.map(({ id }) => id);

describe("budgets of the boundary", () => {
  test("are charged with their parents and what applies always, each once", () => {
    const limits = book({ perAgent: { requests: 5 }, named: { org: USD, always: { ...USD, applies: "always", parent: "org" } } });
    limits.prepare({ "x.team": { ...USD, parent: "org" } }).apply();
    expect(ids(limits.charged(agent(), ["x.team", "x.team", "org"]))).toEqual(["agent.requests", "always", "x.team", "org"]);
  });

  test("cannot take the place of the configuration's, nor be what is no budget", () => {
    const { problems } = book({ named: { team: USD }, perAgent: { requests: 5 } }).prepare({ team: USD, "agent.requests": USD, "x.odd": { ...USD, meter: "euros" }, "agent.day": USD });
    expect(problems).toEqual([expect.stringContaining("budget team:"), expect.stringContaining("budget agent.requests:"), expect.stringContaining("budget x.odd: meter")]);
  });

  test("are left out with what is below them where a parent is missing, and the others come into force", () => {
    const limits = book();
    const { problems, apply } = limits.prepare({ "x.a": { ...USD, parent: "x.gone" }, "x.b": { ...USD, parent: "x.a" }, "x.c": USD });
    apply();
    expect(problems).toEqual(["budget x.a: the parent x.gone does not exist", "budget x.b: the parent x.a does not exist"]);
    expect(ids(limits.charged(agent(), ["x.c"]))).toEqual(["x.c"]);
    expect(() => limits.charged(agent(), ["x.b"])).toThrow("budget x.b is not in force: the parent x.a does not exist");
  });

  test("that are gone charge nobody: who is charged to one is refused", () => {
    const limits = book();
    limits.prepare({ "x.team": USD }).apply();
    limits.prepare({}).apply();
    expect(() => limits.charged(agent(), ["x.team"])).toThrow(expect.objectContaining({ code: "budget.unavailable" }));
  });
});

describe("a budget of the boundary that is left out", () => {
  const ALWAYS = { ...USD, applies: "always" };
  const NEWER = { ...ALWAYS, meter: "euros" };
  const refusal = (budgets: Record<string, unknown>, who = agent()): string | null => {
    const limits = book({ named: { org: USD } });
    limits.prepare(budgets).apply();
    try {
      limits.charged(who, []);
      return null;
    } catch (error) {
      expect(error).toMatchObject({ code: "budget.unavailable" });
      return (error as Error).message;
    }
  };
  const elsewhere = agent({ namespace: "n" });

  test.each([["applies always", NEWER], ["does not say to whom it applies", { ...NEWER, applies: undefined }], ["applies as no proxy knows", { ...USD, applies: "mostly" }], ["is nothing at all", null]])(
    "refuses its namespace where it %s, and nobody else", (_what, value) => {
      expect(refusal({ "ns.cap": value })).toMatch(/^budget ns\.cap is not in force: .* \(this proxy is older than its controller, or the budget is not fit\)$/);
      expect(refusal({ "ns.cap": value }, elsewhere)).toBeNull();
    },
  );

  test("refuses everybody where it belongs to the installation", () => {
    expect([refusal({ cap: NEWER }), refusal({ cap: NEWER }, elsewhere)]).toEqual([expect.stringContaining("budget cap"), expect.stringContaining("budget cap")]);
  });

  test("refuses only who is charged to it where it waits to be named", () => {
    expect(refusal({ "ns.cap": { ...NEWER, applies: "charged" } })).toBeNull();
    const limits = book();
    limits.prepare({ "ns.cap": { ...NEWER, applies: "charged" } }).apply();
    expect(() => limits.charged(agent(), ["ns.cap"])).toThrow("older than its controller");
  });

  test("refuses whom it selects where its parent is missing, or cannot be read, and nobody else", () => {
    const child = { ...ALWAYS, to: { namespaces: ["ns"], agents: ["worker"] }, parent: "ns.above" };
    for (const budgets of [{ "ns.cap": child }, { "ns.cap": child, "ns.above": { ...NEWER, applies: "charged" } }]) {
      expect(refusal(budgets)).toBe("budget ns.cap is not in force: the parent ns.above does not exist");
      expect(refusal(budgets, agent({ name: "other" }))).toBeNull();
    }
  });

  test("refuses whom it selects where the configuration has one of its name", () => {
    expect([refusal({ org: ALWAYS }), refusal({ org: USD })]).toEqual(["budget org is not in force: the proxy's own configuration has one of that name", null]);
  });

  test("refuses nobody any more once it can be read", () => {
    const limits = book();
    limits.prepare({ "ns.cap": NEWER }).apply();
    limits.prepare({ "ns.cap": ALWAYS }).apply();
    expect(ids(limits.charged(agent(), []))).toEqual(["ns.cap"]);
  });
});

describe("a budget that applies always", () => {
  const applying = (to: Record<string, unknown>, who: AgentIdentity) => ids(book({ named: { all: { ...USD, applies: "always", to } } }).charged(who, []));

  test.each([
    [{}, true], [{ namespaces: ["ns"] }, true], [{ namespaces: ["other"] }, false], [{ agents: ["worker"] }, true], [{ agents: ["ns/worker"] }, true],
    [{ agents: ["other/worker"] }, false], [{ users: ["ann"], agents: ["worker"] }, true], [{ users: ["bob"], agents: ["worker"] }, false], [{ users: [] }, false],
  ])("to %j is for who fits all of it", (to, isCharged) => {
    expect(applying(to, agent())).toEqual(isCharged ? ["all"] : []);
  });
});
