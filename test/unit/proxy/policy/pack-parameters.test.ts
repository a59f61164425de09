import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countTexts, fillIn, readParameters, textsOf } from "../../../../proxy/policy/pack-parameters.ts";
import type { PackParameter } from "../../../../proxy/policy/pack-file.ts";
import { parsePathPattern } from "../../../../proxy/policy/patterns.ts";

const troubleOf = (kind: PackParameter["kind"], value: string, segments?: number) => (
  readParameters({ it: { about: "It", kind, example: ["x"], ...(segments === undefined ? {} : { segments }) } }, { it: value }, new Set(["it"])).problems
);

describe("a value of a parameter", () => {
  test.each([
    ["name", "acme-data.v2"], ["name", "*"], ["name", ".github"], ["path", "acme/app"], ["path", "acme/*"], ["path", "acme"], ["host", "db.example.com"], ["host", "*.example.com"],
    ["glob", "claude-*"], ["glob", "anthropic/claude:1"], ["port", "5432"],
  ] as const)("of kind %s may be %s", (kind, value) => {
    expect(troubleOf(kind, value)).toEqual([]);
  });

  test.each([
    ["name", "a/b"], ["name", ".."], ["name", "a*"], ["name", "**"], ["name", "a b"], ["name", "${x}"], ["path", "acme//app"], ["path", "/acme"], ["path", "acme/.."], ["path", "acme/**"],
    ["host", "example.com:5432"], ["host", "Example.com"], ["glob", "a**"], ["glob", "${x}"], ["port", "0"], ["port", "65536"], ["port", "http"], ["port", "1e3"],
  ] as const)("of kind %s may not be %s", (kind, value) => {
    expect(troubleOf(kind, value)).toEqual([expect.stringContaining(`with.it: "${value}" `)]);
  });

  test("of kind path has as many names as the pack wants", () => {
    expect(troubleOf("path", "acme/app", 2)).toEqual([]);
    expect(troubleOf("path", "acme", 2)).toEqual(['with.it: "acme" is not 2 names between slashes']);
  });

  test("is one of a thousand at most", () => {
    const many = Array.from({ length: 1_001 }, (_, index) => `v${index}`);
    expect(readParameters({ it: { about: "It", kind: "name", example: ["x"] } }, { it: many }, new Set(["it"])).problems).toEqual(["with.it: there are more than 1000 values"]);
  });

  test("that is accepted for a path never leaves its place in it", () => {
    const texts = fc.string({ unit: fc.constantFrom("a", "b", "/", ".", "*", "%", "{"), minLength: 1, maxLength: 6 });
    fc.assert(fc.property(texts, (value) => {
      if (troubleOf("path", value, 2).length > 0) return;
      const [text = ""] = textsOf("/repos/${it}/pulls", new Map([["it", [value]]]));
      const { segments, rest } = parsePathPattern(text);
      expect([segments.length, segments[0], segments[3], rest]).toEqual([4, "repos", "pulls", false]);
    }), { numRuns: 2_000 });
  });
});

describe("filling in", () => {
  const VALUES = new Map([["a", ["1", "2"]], ["b", ["x"]], ["port", ["5432"]]]);

  test("makes a text of a list one for each value, and for each pair of values", () => {
    expect(fillIn({ paths: ["/${a}/${b}", "/fixed"], below: { deeper: ["${a}"] } }, VALUES)).toEqual({ paths: ["/1/x", "/2/x", "/fixed"], below: { deeper: ["1", "2"] } });
  });

  test("makes numbers of ports", () => {
    expect(fillIn({ ports: ["${port}", 80] }, VALUES)).toEqual({ ports: [5432, 80] });
  });

  test("leaves everything else as it is", () => {
    expect(fillIn({ websocket: true, max_request_bytes: 5, json: { "/a": { one_of: [1, null] } } }, VALUES)).toEqual({ websocket: true, max_request_bytes: 5, json: { "/a": { one_of: [1, null] } } });
  });

  test("takes one value where one text is written, and refuses several", () => {
    expect(fillIn({ within: "/${b}" }, VALUES)).toEqual({ within: "/x" });
    expect(() => fillIn({ within: "/${a}" }, VALUES)).toThrow("${a} stands where one text is written, and there are 2 values");
  });

  test("is counted before it is done", () => {
    expect(countTexts({ paths: ["/${a}/${b}", "/fixed"], below: { deeper: ["${a}"] }, ports: [1] }, VALUES)).toBe(5);
    const many = Array.from({ length: 1_000 }, (_, index) => String(index));
    expect(countTexts("${a}${b}${c}", new Map([["a", many], ["b", many], ["c", many]]))).toBe(1_000_000_000);
  });
});
