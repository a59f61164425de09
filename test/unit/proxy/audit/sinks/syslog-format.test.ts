import { describe, expect, test } from "vitest";
import { formatFrame, headerField, structuredData } from "../../../../../proxy/audit/sinks/syslog-format.ts";

const origin = { hostname: "node-1", appName: "weir", procId: "42" };
const record = { sequence: 6, uid: "u:6", timeMs: 1_767_225_600_123, severityId: 1, json: '{"a":"é\\n"}' };

describe("formatFrame", () => {
  test("is an RFC 5424 message behind its length in bytes", () => {
    const frame = formatFrame(record, origin).toString("utf8");
    const message = '<110>1 2026-01-01T00:00:00.123Z node-1 weir 42 audit [meta sequenceId="7"] {"a":"é\\n"}';
    expect(frame).toBe(`${Buffer.byteLength(message)} ${message}`);
    expect(Buffer.byteLength(message)).toBe(message.length + 1);
  });

  test.each([[1, 110], [2, 109], [3, 108], [4, 107], [5, 106], [6, 105], [0, 110], [99, 110]])("OCSF severity %i becomes priority %i", (severityId, priority) => {
    expect(formatFrame({ ...record, severityId }, origin).toString("utf8")).toContain(` <${priority}>1 `);
  });

  test("the sequence id begins again at 1 behind its largest value", () => {
    const idOf = (sequence: number) => /sequenceId="(\d+)"/.exec(formatFrame({ ...record, sequence }, origin).toString("utf8"))?.[1];
    expect([idOf(0), idOf(2_147_483_646), idOf(2_147_483_647)]).toEqual(["1", "2147483647", "1"]);
  });
});

test.each([
  ['say "no"', String.raw`[x v="say \"no\""]`], [String.raw`back\slash`, String.raw`[x v="back\\slash"]`], ["a]b", String.raw`[x v="a\]b"]`], ["plain é", '[x v="plain é"]'],
])("structured data escapes %j", (value, text) => {
  expect(structuredData("x", { v: value })).toBe(text);
});

test.each([["node 1", "node1"], ["", "-"], ["é", "-"], ["a\nb", "ab"], ["x".repeat(300), "x".repeat(255)]])("header field %j is written as %j", (value, text) => {
  expect(headerField(value, 255)).toBe(text);
});
