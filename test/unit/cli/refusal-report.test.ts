import pc from "picocolors";
import { expect, test } from "vitest";
import type { Io } from "../../../cli/io.ts";
import { reportRefusals } from "../../../cli/refusal-report.ts";
import type { ExchangeRecord } from "../../../proxy/model/record.ts";

function recordingIo(): Io & { readonly lines: string[] } {
  const lines: string[] = [];
  const colors = pc.createColors(false);
  return { lines, out: () => {}, err: (line) => { lines.push(line); }, colors, errColors: colors, isTerminal: false, environment: {}, exitWith: () => {} };
}

function refused(path: string): ExchangeRecord {
  return {
    kind: "exchange", phase: "closed", timeMs: 0, agent: null, exchangeId: `id-${path}`, connectionId: "c", method: "DELETE", scheme: "https", host: "api.test", port: 443, path,
    queryKeys: [], httpVersion: "1.1", userAgent: null, decision: null, credentials: [], redactions: [], outcome: "denied",
    error: { code: "policy.denied", detail: "", rule: "api.read", reason: "method DELETE is not allowed", hint: "allowed: GET" },
    status: 403, upstreamAddress: null, durationMs: 1, usage: { requestBytes: 0, responseBytes: 0 },
  };
}

test("a refusal is printed with rule, reason, hint and how to have it explained", () => {
  const io = recordingIo();
  reportRefusals(io, { format: "text", quiet: false }).onRecord(refused("/a"));
  expect(io.lines).toEqual(["weir: refused DELETE https://api.test:443/a [api.read] method DELETE is not allowed", "      allowed: GET", "      weir explain id-/a"]);
});

test("the same refusal is printed once", () => {
  const io = recordingIo();
  const report = reportRefusals(io, { format: "text", quiet: false });
  for (let times = 0; times < 5; times += 1) report.onRecord(refused("/a"));
  expect(io.lines).toHaveLength(3);
});

test("a loop over many paths does not flood the terminal", () => {
  const io = recordingIo();
  const report = reportRefusals(io, { format: "text", quiet: false });
  for (let index = 0; index < 1_000; index += 1) report.onRecord(refused(`/${index}`));
  expect(io.lines).toHaveLength(150);
});

test("with -o json a refusal is one JSON object with its request id, and the end has the counts", () => {
  const io = recordingIo();
  const report = reportRefusals(io, { format: "json", quiet: false });
  report.onRecord(refused("/a"));
  report.finish(3, "/audit");
  expect(io.lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ event: "refused", requestId: "id-/a", rule: "api.read" }),
    { event: "finished", exitCode: 3, allowed: 0, denied: 1, failed: 0, auditDirectory: "/audit" },
  ]);
});

test("quiet prints no refusal", () => {
  const io = recordingIo();
  reportRefusals(io, { format: "text", quiet: true }).onRecord(refused("/a"));
  expect(io.lines).toEqual([]);
});
