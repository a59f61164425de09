import { describe, expect, test } from "vitest";
import type { Allow, Decision } from "../../../../proxy/model/decision.ts";
import { configuredHoldings, withinHoldings } from "../../../../proxy/model/holdings.ts";
import { AN_AGENT } from "../../../support/credentials.ts";

const allow = (over: Partial<Allow> = {}): Allow => ({ kind: "allow", rule: "github.read", handling: "intercept", grants: [], budgets: [], obligations: {}, revision: "r1", ...over });

describe("a decision", () => {
  test("that lends what the agent holds stands", () => {
    const decision = allow({ grants: ["a.github"] });
    expect(withinHoldings(decision, { grants: ["a.github", "a.slack"], budgets: [] })).toBe(decision);
  });

  test("that lends more than the agent holds is a deny that says which grant", () => {
    expect(withinHoldings(allow({ grants: ["a.github", "b.github"] }), { grants: ["a.github"], budgets: [] })).toMatchObject({
      kind: "deny", rule: "grants.not-held", revision: "r1", reason: "policy would lend grant b.github, which this instance does not hold",
    });
  });

  test("about somebody whom the boundary does not know is a deny", () => {
    expect(withinHoldings(allow(), null)).toMatchObject({ kind: "deny", rule: "agents.unknown" });
  });

  test("is charged to the agent's own budgets besides its own, once each", () => {
    expect(withinHoldings(allow({ budgets: ["a.team", "a.day"] }), { grants: null, budgets: ["a.day", "a.own"] })).toMatchObject({ kind: "allow", budgets: ["a.team", "a.day", "a.own"] });
  });

  test("to deny stays one, whatever the agent holds, and what is neither stays what it is", () => {
    const deny: Decision = { kind: "deny", rule: "hosts.default", reason: "no", hint: "", revision: "r1" };
    expect(withinHoldings(deny, { grants: null, budgets: ["a.own"] })).toBe(deny);
    const odd = { kind: "maybe" } as unknown as Decision;
    expect(withinHoldings(odd, { grants: null, budgets: ["a.own"] })).toBe(odd);
  });
});

describe("holdings on one machine", () => {
  test("are whatever policy says, unless the identity is narrowed", () => {
    expect(configuredHoldings.of(AN_AGENT)).toEqual({ grants: null, budgets: [] });
    expect(configuredHoldings.of({ ...AN_AGENT, grants: ["github"] })).toEqual({ grants: ["github"], budgets: [] });
  });
});
