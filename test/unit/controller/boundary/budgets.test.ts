import { describe, expect, test } from "vitest";
import { boundaryConfig } from "../../../../controller/boundary/config.ts";
import { boundaryBudget } from "../../../../proxy/operator.ts";
import { A_BUDGET, planOf } from "../../../support/boundary-resources.ts";

const USD = { meter: "usd", limit: "25.50", window: "month" };
const ORG = { budgets: { org: { ...USD, limit: 1_000, applies: "always" } } };
const verdictOf = (spec: object, more: Readonly<Record<string, object>> = {}, config: object = ORG) =>
  planOf({ budgets: { "team-a/own": spec, ...more } }, { config }).budgets.get("team-a/own");

describe("a Budget with all that it can say", () => {
  const whole = {
    ...USD, timezone: "Europe/Berlin", per: "user", applies: "always", to: { agents: ["coder"], users: ["ada"] },
    thresholds: [{ percent: 80, action: "ask" }], whenLedgerIsLost: "allow",
  };

  test("becomes the same budget of the proxies, within its namespace", () => {
    const { set } = planOf({ budgets: { "team-a/own": whole } });
    expect(set.budgets["team-a.own"]).toEqual(boundaryBudget.parse({ ...whole, to: { ...whole.to, namespaces: ["team-a"] } }));
  });

  test("that applies always binds nobody of another namespace, whatever it selects", () => {
    const { set } = planOf({ budgets: { "team-a/own": { ...USD, applies: "always" }, "team-a/other": { ...USD, applies: "always", to: { users: ["*"] } } } });
    for (const budget of Object.values(set.budgets)) expect(budget).toMatchObject({ applies: "always", to: { namespaces: ["team-a"] } });
  });

  test.each([
    ["namespaces of others", { ...USD, applies: "always", to: { namespaces: ["team-b"] } }, "Unreadable"],
    ["an agent of another namespace", { ...USD, applies: "always", to: { agents: ["team-b/coder"] } }, "Unreadable"],
    ["a meter that there is not", { ...USD, meter: "wishes" }, "Unreadable"],
    ["half a request", { ...A_BUDGET, limit: "0.5" }, "Invalid"],
    ["a time zone that there is not", { ...USD, timezone: "Mars/Olympus" }, "Invalid"],
    ["a parent with a dot", { ...USD, parent: "team-b.big" }, "Unreadable"],
  ])("does not say %s", (_, spec, reason) => {
    expect(verdictOf(spec)).toMatchObject({ isAccepted: false, reason });
  });
});

describe("a Budget's parent", () => {
  test("is a Budget of its namespace, or the installation's, which goes before", () => {
    const { set, budgets } = planOf({ budgets: { "team-a/own": { ...USD, parent: "team" }, "team-a/team": { ...USD, parent: "org" }, "team-a/org": USD } }, { config: ORG });
    expect([...budgets.values()].every(({ isAccepted }) => isAccepted)).toBe(true);
    expect(set.budgets).toMatchObject({ "team-a.own": { parent: "team-a.team" }, "team-a.team": { parent: "org" }, org: { limit: 1_000 } });
  });

  test("in another namespace is none", () => {
    expect(verdictOf({ ...USD, parent: "team" }, { "team-b/team": USD })).toMatchObject({ isAccepted: false, reason: "ParentNotFound", message: expect.stringContaining("team") });
  });

  test("that is not accepted takes its children with it", () => {
    const broken = { ...USD, timezone: "Mars/Olympus" };
    expect(verdictOf({ ...USD, parent: "team" }, { "team-a/team": broken })).toMatchObject({ reason: "ParentNotFound", message: expect.stringContaining("not accepted") });
    expect(verdictOf({ ...USD, parent: "team" }, { "team-a/team": { ...USD, parent: "top" }, "team-a/top": broken })).toMatchObject({ reason: "ParentNotFound" });
  });

  test("counts what it counts", () => {
    expect(verdictOf({ ...A_BUDGET, parent: "team" }, { "team-a/team": USD })).toMatchObject({ reason: "ParentMeter", message: "its parent team counts usd, not requests" });
    expect(verdictOf({ ...A_BUDGET, parent: "org" })).toMatchObject({ reason: "ParentMeter" });
  });

  test("is not below itself", () => {
    expect(verdictOf({ ...USD, parent: "own" })).toMatchObject({ reason: "ParentCycle" });
    const cycle = { "team-a/team": { ...USD, parent: "own" } };
    expect(verdictOf({ ...USD, parent: "team" }, cycle)).toMatchObject({ reason: "ParentCycle", message: expect.stringContaining("own, team, own") });
    expect(planOf({ budgets: { "team-a/own": { ...USD, parent: "team" }, ...cycle } }).set.budgets).toEqual({});
  });

  test("is not too far up", () => {
    const chain = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`team-a/b${index}`, { ...USD, parent: `b${index + 1}` }]));
    expect(verdictOf({ ...USD, parent: "b2" }, { ...chain, "team-a/b8": USD })).toMatchObject({ isAccepted: true });
    expect(verdictOf({ ...USD, parent: "b1" }, { ...chain, "team-a/b8": USD })).toMatchObject({ isAccepted: false, reason: "TooDeep" });
  });

  test("of the installation may be for some namespaces only: nobody uses up what is for others", () => {
    const config = { budgets: { big: { ...USD, to: { namespaces: ["team-b"] } } } };
    expect(verdictOf({ ...USD, parent: "big" }, {}, config)).toMatchObject({ isAccepted: false, reason: "ParentNotAllowed" });
    expect(planOf({ budgets: { "team-b/own": { ...USD, parent: "big" } } }, { config }).budgets.get("team-b/own")).toMatchObject({ isAccepted: true });
  });
});

describe("an agent whose cap is not in force may do nothing", () => {
  const agents = { "team-a/coder": { budgets: [] }, "team-a/lead": {}, "team-b/coder": {} };
  const withheld = (budget: object) => {
    const { agents: outcomes } = planOf({ agents, budgets: { "team-a/cap": budget } });
    return [...outcomes].filter(([, outcome]) => outcome?.holders.some((holder) => holder.withheld !== null)).map(([key]) => key);
  };

  test("if it names a Budget whose parent is missing", () => {
    const world = { agents: { "team-a/coder": { budgets: ["cap"] } }, budgets: { "team-a/cap": { ...USD, parent: "gone" } } };
    expect(planOf(world).agents.get("team-a/coder")?.holders[0]?.withheld?.reason).toContain("Budget cap is not there");
  });

  test("if a Budget that applies always is broken: all of the namespace, or those whom it names", () => {
    expect(withheld({ ...USD, applies: "always", parent: "gone" })).toEqual(["team-a/coder", "team-a/lead"]);
    expect(withheld({ ...USD, applies: "always", parent: "gone", to: { agents: ["lead"] } })).toEqual(["team-a/lead"]);
  });

  test("also if the Budget cannot be read at all", () => {
    expect(withheld({ applies: "always", meter: "wishes" })).toEqual(["team-a/coder", "team-a/lead"]);
    expect(withheld({ applies: "always", to: { agents: "lead" } })).toEqual(["team-a/coder", "team-a/lead"]);
  });

  test("but not if nothing was to apply, or all is well", () => {
    expect(withheld({ ...USD, parent: "gone" })).toEqual([]);
    expect(withheld({ ...USD, applies: "always" })).toEqual([]);
  });
});

describe("the installation's budgets", () => {
  const issues = (budgets: object) => boundaryConfig.safeParse({ budgets }).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

  test("have names without a dot, and parents among themselves of the same meter", () => {
    expect(issues({ org: USD, team: { ...USD, parent: "org" } })).toBeUndefined();
    expect(issues({ "team-a.own": USD })).toHaveLength(1);
    expect(issues({ team: { ...USD, parent: "org" } })).toEqual(["budgets.team.parent: is no budget here"]);
    expect(issues({ org: A_BUDGET, team: { ...USD, parent: "org" } })).toEqual(["budgets.team.parent: counts requests, not usd"]);
    expect(issues({ one: { ...USD, parent: "two" }, two: { ...USD, parent: "one" } })).toEqual(["budgets.one.parent: leads back to itself", "budgets.two.parent: leads back to itself"]);
  });
});
