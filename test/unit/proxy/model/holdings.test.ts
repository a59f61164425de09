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

  test("to deny stays one, and so does one to read the body first", () => {
    const deny: Decision = { kind: "deny", rule: "hosts.default", reason: "no", hint: "", revision: "r1" };
    const read: Decision = { kind: "read", rule: "tools", readings: ["mcp"], maxBytes: 1_000, revision: "r1" };
    expect(withinHoldings(deny, { grants: null, budgets: ["a.own"] })).toBe(deny);
    expect(withinHoldings(read, { grants: [], budgets: ["a.own"] })).toBe(read);
    expect(withinHoldings(read, null)).toMatchObject({ kind: "deny", rule: "agents.unknown" });
  });

  test("that is left to a person is narrowed before anybody is asked", () => {
    const ask = (of: Allow): Decision => ({ kind: "ask", rule: "merge", reason: "merge?", hint: "", timeoutMs: 1_000, scopes: ["once"], allow: of, revision: "r1" });
    expect(withinHoldings(ask(allow({ grants: ["b.github"] })), { grants: ["a.github"], budgets: [] })).toMatchObject({ kind: "deny", rule: "grants.not-held" });
    expect(withinHoldings(ask(allow({ budgets: ["a.day"] })), { grants: null, budgets: ["a.own"] })).toMatchObject({ kind: "ask", allow: { budgets: ["a.day", "a.own"] } });
    expect(withinHoldings(ask(allow()), null)).toMatchObject({ kind: "deny", rule: "agents.unknown" });
  });
});

describe("holdings on one machine", () => {
  test("are whatever policy says, unless the identity is narrowed", () => {
    expect(configuredHoldings.of(AN_AGENT)).toEqual({ grants: null, budgets: [] });
    expect(configuredHoldings.of({ ...AN_AGENT, grants: ["github"] })).toEqual({ grants: ["github"], budgets: [] });
  });
});
