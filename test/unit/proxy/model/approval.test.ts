import { describe, expect, test } from "vitest";
import { afterYes, refusalBy, underApproval } from "../../../../proxy/model/approval.ts";
import type { Allow, Deny } from "../../../../proxy/model/decision.ts";
import type { RecordedApproval } from "../../../../proxy/model/record.ts";
import { anAsk } from "../../../support/approval-stand.ts";

const ASK = anAsk();
const ALLOW: Allow = { ...ASK.allow, rule: "hosts.allow" };
const DENY: Deny = { kind: "deny", rule: "hosts.default", reason: "no", hint: "", revision: "r2" };
const approval = (changes: Partial<RecordedApproval> = {}): RecordedApproval => ({ id: "apr-1", outcome: "allowed", by: "user:ann", reason: "", scope: "once", waitedMs: 5, ...changes });

describe("after a yes", () => {
  test("what policy decides by itself by now counts", () => {
    expect(afterYes(ALLOW, ASK)).toBe(ALLOW);
    expect(afterYes(DENY, ASK)).toBe(DENY);
  });

  test("the same question becomes today's allow, and another rule's question a deny", () => {
    const today = anAsk({ allow: { ...ASK.allow, budgets: ["new"] } });
    expect(afterYes(today, ASK)).toBe(today.allow);
    expect(afterYes(anAsk({ rule: "billing.other" }), ASK)).toMatchObject({ kind: "deny", rule: "billing.other" });
  });
});

describe("what runs on a yes", () => {
  const never = () => false;
  test("goes on while the same rule asks, if it was for this once", () => {
    expect(underApproval(ASK, { rule: ASK.rule, approval: approval() }, never)).toBe(ASK.allow);
    expect(underApproval(anAsk({ rule: "billing.other" }), { rule: ASK.rule, approval: approval() }, never)).toMatchObject({ kind: "deny" });
  });

  test("goes on as long as the thread is covered, and no longer", () => {
    const answered = { rule: ASK.rule, approval: approval({ scope: "thread" }) };
    expect(underApproval(ASK, answered, (rule) => rule === ASK.rule)).toBe(ASK.allow);
    expect(underApproval(ASK, answered, never)).toMatchObject({ kind: "deny", rule: ASK.rule });
  });

  test("ends where nobody said yes", () => {
    expect(underApproval(ASK, null, never)).toMatchObject({ kind: "deny" });
    expect(underApproval(ASK, { rule: ASK.rule, approval: approval({ outcome: "denied" }) }, never)).toMatchObject({ kind: "deny" });
  });
});

describe("a refusal", () => {
  test("says why, and never who", () => {
    expect(refusalBy(approval({ outcome: "denied", scope: null, reason: "not today" }), ASK)).toEqual({
      code: "approval.denied", detail: "a person refused it",
      explanation: { rule: ASK.rule, reason: "Charging a card needs a person. A person refused it: not today", hint: ASK.hint },
    });
    expect(refusalBy(approval({ outcome: "expired", by: null }), ASK)).toMatchObject({ code: "approval.expired" });
    expect(refusalBy(approval(), ASK)).toBeNull();
  });
});
