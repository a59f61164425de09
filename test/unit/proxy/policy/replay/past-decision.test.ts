import { describe, expect, test } from "vitest";
import type { ErrorCode } from "../../../../../proxy/errors.ts";
import { recordedDecision, type RecordedDecision } from "../../../../../proxy/model/record.ts";
import { pastDecision, shadowOf } from "../../../../../proxy/policy/replay/past-decision.ts";
import { anAsk } from "../../../../support/approval-stand.ts";
import { anExchange } from "../../../../support/audit-records.ts";
import { allow, deny } from "../../../../support/exchange.ts";

const read = { kind: "read", rule: "r", readings: ["mcp"], maxBytes: 1, revision: "r1" } as const;
const person = { id: "apr-1", by: null, reason: "", scope: null, waitedMs: 1 } as const;
const verdictOf = (decision: RecordedDecision, code: ErrorCode | null = null) => pastDecision(anExchange({ decision, error: code === null ? null : { code, detail: "" } }))?.verdict;

describe("the verdict of a decision of the past", () => {
  test("is what policy said", () => {
    expect([verdictOf(recordedDecision(allow())), verdictOf(recordedDecision(deny()), "policy.denied")]).toEqual(["allow", "deny"]);
  });

  test("is that a person decides, whatever that person said, and if the client did not wait", () => {
    const ask = anAsk();
    expect(verdictOf(recordedDecision(allow(), { ...person, outcome: "allowed" }))).toBe("ask");
    expect(verdictOf(recordedDecision(ask, { ...person, outcome: "denied" }), "approval.denied")).toBe("ask");
    expect(verdictOf(recordedDecision(ask), "relay.aborted")).toBe("ask");
  });

  test("is none where policy wanted to read a body that could not be read, for a shadow too", () => {
    const decision = { ...recordedDecision(read), shadow: { revision: "r2", outcome: "deny" as const, rule: "x" } };
    expect(verdictOf(decision, "request.malformed")).toBeNull();
    expect(shadowOf(anExchange({ decision }))?.doubts).toHaveLength(1);
  });
});
