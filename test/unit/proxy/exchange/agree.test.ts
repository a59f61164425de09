import { describe, expect, test } from "vitest";
import { agree } from "../../../../proxy/exchange/agree.ts";
import type { Allow, Ask } from "../../../../proxy/model/decision.ts";
import { allow, deny } from "../../../support/exchange.ts";

const ask = (over: Partial<Ask> = {}): Ask => ({
  kind: "ask", rule: "test.ask", reason: "may it?", hint: "wait", timeoutMs: 1_000, scopes: ["once", "thread"], allow: allow({ rule: "test.ask" }), revision: "r1", ...over,
});
const denied = { kind: "deny", rule: "read.parts", hint: expect.stringContaining("one by one") };

describe("the parts of a body agree on one decision", () => {
  test("one part decides as it does", () => {
    const decision = allow({ budgets: ["b"] });
    expect(agree([decision])).toBe(decision);
  });

  test("a deny of one is a deny of all, wherever it stands", () => {
    const no = deny({ rule: "mcp.tool" });
    for (const all of [[no, allow(), ask()], [ask(), allow(), no]]) expect(agree(all)).toBe(no);
  });

  test("allows are charged to all budgets and owe the strictest of what each owes", () => {
    const parts: Allow[] = [
      allow({ budgets: ["a"], obligations: { maxRequestBytes: 10, maxOutputTokens: 5, whenShort: "clamp" }, revision: "r1" }),
      allow({ budgets: ["a", "b"], obligations: { maxRequestBytes: 7, maxResponseBytes: 9, whenShort: "refuse" }, revision: "r2" }),
    ];
    expect(agree(parts)).toMatchObject({
      kind: "allow", budgets: ["a", "b"], obligations: { maxRequestBytes: 7, maxResponseBytes: 9, maxOutputTokens: 5, whenShort: "refuse" }, revision: "r1",
    });
  });

  test("parts that would be lent other credentials are refused; the same in another order are not", () => {
    expect(agree([allow({ grants: ["g"] }), allow()])).toMatchObject(denied);
    expect(agree([allow(), allow({ grants: ["g"] })])).toMatchObject(denied);
    expect(agree([allow({ grants: ["g", "h"] }), allow({ grants: ["h", "g"] })])).toMatchObject({ kind: "allow", grants: ["g", "h"] });
  });

  test("an ask beside an allow is asked, for what all parts become together", () => {
    const asked = agree([allow({ budgets: ["a"] }), ask({ allow: allow({ budgets: ["b"], obligations: { maxResponseBytes: 3 } }) })]);
    expect(asked).toMatchObject({ kind: "ask", rule: "test.ask", allow: { budgets: ["a", "b"], obligations: { maxResponseBytes: 3 } } });
  });

  test("a person is asked one question: the shortest wait, the scopes of all", () => {
    expect(agree([ask(), ask({ timeoutMs: 10, scopes: ["once"] })])).toMatchObject({ kind: "ask", timeoutMs: 10, scopes: ["once"] });
    expect(agree([ask(), ask({ rule: "test.other" })])).toMatchObject(denied);
    expect(agree([ask({ scopes: ["thread"] }), ask({ scopes: ["once"] })])).toMatchObject(denied);
  });
});
