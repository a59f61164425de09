import { expect, test } from "vitest";
import { printRecord } from "../../../cli/print-record.ts";
import type { AuditRecord } from "../../../proxy/operator.ts";
import { recordingIo } from "../../support/cli.ts";

const refused: AuditRecord = {
  kind: "name", timeMs: 0, agent: null, queryId: "q1", connectionId: "c1", name: "evil.example", type: "A", answer: null, outcome: "denied",
  error: { code: "policy.denied", detail: "", rule: "hosts.default", reason: "no entry names it" },
};

test("a record is explained to read, and as JSON", () => {
  const [text, json] = [recordingIo(), recordingIo()];
  printRecord(refused, { output: "text" }, text);
  printRecord(refused, { output: "json" }, json);
  expect(text.said().out).toContain("name evil.example (A): denied\nrule:    hosts.default\nreason:  no entry names it");
  expect(JSON.parse(json.said().out)).toMatchObject({ outcome: "denied", rule: "hosts.default", reason: "no entry names it" });
});
