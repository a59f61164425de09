import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareValues, readNumber, readValue, RegoObject, RegoSet, writeValue, type RegoValue } from "../../../../proxy/policy/rego-value.ts";

const { value: anyValue } = fc.letrec<{ value: RegoValue }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, fc.constant(null), fc.boolean(), fc.integer(), fc.bigInt(), fc.string({ unit: "grapheme" }), fc.array(tie("value"), { maxLength: 3 }),
    fc.array(tie("value"), { maxLength: 3 }).map((members) => new RegoSet(members)), fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 }).map((entries) => new RegoObject(entries))),
}));

describe("a value of Rego", () => {
  test("is read back as it was written", () => {
    fc.assert(fc.property(anyValue, (value) => { expect(writeValue(readValue(writeValue(value)))).toBe(writeValue(value)); }));
  });

  test("has one order with all others", () => {
    fc.assert(fc.property(anyValue, anyValue, (a, b) => {
      expect(Math.sign(compareValues(a, b))).toBe(-Math.sign(compareValues(b, a)) + 0);
      expect(compareValues(a, b) === 0).toBe(writeValue(a) === writeValue(b));
    }));
  });

  test.each<[string, string]>([
    ["{2,1,1}", "{1,2}"], ["set()", "set()"], ["{}", "{}"], ['{"b":1, "a":{"c"}}', '{"a":{"c"},"b":1}'], ["{[1]:{2:3}}", "{[1]:{2:3}}"], ["12345678901234567890", "12345678901234567890"], [".5", "0.5"],
  ])("%s is written %s", (text, written) => { expect(writeValue(readValue(text))).toBe(written); });

  test("knows a set from a list, and a member by its worth", () => {
    const set = readValue("{[1,2],{3}}") as RegoSet;
    expect([set.has([1, 2]), set.has(new RegoSet([3])), set.has([2, 1]), set.size]).toEqual([true, true, false, 2]);
  });

  test.each(["", "{", "{1:2,3}", "[1,]", "nul", '"a', "1 2", "{1,2:3}", `${"[".repeat(2_000)}${"]".repeat(2_000)}`])("is not read from %.20s", (text) => {
    expect(() => readValue(text)).toThrow(SyntaxError);
  });

  test("keeps whole numbers whole, and is none beyond all numbers", () => {
    expect([readNumber("9007199254740993"), readNumber("1e3"), readNumber("0.5")]).toEqual([9_007_199_254_740_993n, 1_000, 0.5]);
    expect(() => readNumber("1e999")).toThrow(/beyond/);
  });
});
