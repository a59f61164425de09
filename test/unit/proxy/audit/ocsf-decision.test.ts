import { describe, expect, test } from "vitest";
import { Chain } from "../../../../proxy/audit/chain.ts";
import { fromOcsf } from "../../../../proxy/audit/ocsf-read.ts";
import { readStoredRecord } from "../../../../proxy/audit/stored-record.ts";
import type { AuditRecord, RecordedDecision } from "../../../../proxy/model/record.ts";
import { aConnection, aDecision, aName, anAgent, anExchange } from "../../../support/audit-records.ts";

const { instance: _, ...agent } = anAgent;
const whole: RecordedDecision = {
  ...aDecision,
  approval: { id: "apr-1", outcome: "allowed", by: "ada", reason: "looks right", scope: "once", waitedMs: 1_200 },
  shadow: { revision: "r8", outcome: "failed", rule: null, reason: "not yet answered" },
  input: {
    input: {
      version: 1, agent: { ...agent, labels: { team: "red" } }, connection: { name: "api.github.com", alpn: ["h2"] },
      request: { path: ["repos", "weir"], query: {}, headers: { "content-type": "x/\"y\"\\z" } }, mcp: { arguments: { "__proto__": 1, z: [1.5, null], a: "ü\u2028" } }, budgets: {}, time: "2026-11-01T00:00:00.000Z",
    },
    redacted: ['input.request.headers.authorization', "input.mcp.arguments.text"],
  },
};

function stored(record: AuditRecord): string {
  return new Chain("0f8fad5b-d9cb-469f-a165-70867728950e", "0").append(record).line;
}

describe("what a decision was made on, as an event", () => {
  test.each<AuditRecord>([
    anExchange({ decision: whole }), aConnection({ decision: whole }), aName({ decision: { ...whole, grants: [], budgets: [] } }), aName(),
  ])("is read back as it was: $kind", (record) => {
    const { approval: _approval, ...named } = whole;
    const expected = record.kind === "name" && record.decision !== undefined ? { ...record, decision: { ...named, grants: [], budgets: [] } } : record;
    expect(fromOcsf(JSON.parse(stored(record)))).toEqual(expected);
  });

  test.each(["ask", "read"] as const)("says that policy came to no verdict of its own: %s", (undecided) => {
    const decision = { ...whole, allowed: false, undecided };
    expect(fromOcsf(JSON.parse(stored(anExchange({ decision }))))).toMatchObject({ decision: { undecided } });
    expect(fromOcsf(JSON.parse(stored(aConnection({ decision }))))).toMatchObject({ decision: { undecided } });
  });

  test("is canonical and hashes to what the record claims, whatever an agent names", () => {
    const odd = { ...whole, input: { input: { json: { "\ud800": "\udfff\u0000", "": [{ "0": 1 }] } }, redacted: ["input.json"] } };
    const line = Buffer.from(stored(anExchange({ decision: odd })).trimEnd());
    expect(readStoredRecord(line)).toMatchObject({ sequence: 0 });
  });

  test("is no decision where the text is no object", () => {
    const event = JSON.parse(stored(anExchange({ decision: whole }))) as { unmapped: { weir: { policy_input: string } } };
    for (const text of ["[]", "null", "{", "1", '"x"']) {
      event.unmapped.weir.policy_input = text;
      expect(fromOcsf(event)).toMatchObject({ decision: { rule: "github.read" } });
      expect((fromOcsf(event) as { decision: RecordedDecision }).decision.input).toBeUndefined();
    }
  });
});
