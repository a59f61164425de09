import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../../../../proxy/policy/bundles/canonical-json.ts";

describe("the canonical form of JSON", () => {
  test.each([
    ["{ \"b\" : 1,\n\"a\" : [ true , null ] }", "{\"a\":[true,null],\"b\":1}"],
    ["{\"a\":{\"z\":1,\"y\":{}}}", "{\"a\":{\"y\":{},\"z\":1}}"],
    ["[1.0,1,1e2,-0,12345678901234567890123]", "[1.0,1,1e2,-0,12345678901234567890123]"],
    ["\"\\u003c\\u0026\\/\\u2028\\u2029\\u0001\\u007f\"", "\"<&/\\u2028\\u2029\\u0001\u007f\""],
    ["{\"\u{10000}\":1,\"\ufffd\":2}", "{\"\ufffd\":2,\"\u{10000}\":1}"],
    ["{\"a\":1,\"a\":2}", "{\"a\":2}"],
    ["{\"__proto__\":{\"b\":1}}", "{\"__proto__\":{\"b\":1}}"],
  ])("of %s is %s", (text, canonical) => {
    expect(canonicalJson(text)).toBe(canonical);
  });

  test("parses to the same value, however the text was laid out, and stays as it is", () => {
    fc.assert(fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 3), (value, indent) => {
      const canonical = canonicalJson(JSON.stringify(value, null, indent));
      expect(JSON.parse(canonical)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(canonical)).toBe(canonical);
    }));
  });

  test("of what is no JSON, or nested without end, is none", () => {
    expect(() => canonicalJson("{")).toThrow(SyntaxError);
    expect(() => canonicalJson("[".repeat(200_000) + "]".repeat(200_000))).toThrow(RangeError);
  });
});
