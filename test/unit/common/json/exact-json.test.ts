import { expect, test } from "vitest";
import { doubleOf, hasMembers, parseExactly } from "../../../../common/json/exact-json.ts";

test.each(["1234567890123456789", "1e400", "-0", "1.0", "0.1", '{"a":[12345678901234567891,"x"],"__proto__":1}'])("%s is written again as it was", (text) => {
  expect(JSON.stringify(parseExactly(text))).toBe(text);
});

test("objects alone have members, not lists, nor numbers that are kept as they were written", () => {
  expect(hasMembers(parseExactly('{"a":1}'))).toBe(true);
  for (const text of ["[1]", "null", "1", '"a"', "1e400", "1234567890123456789"]) expect(hasMembers(parseExactly(text))).toBe(false);
});

test("a number is one double to who rounds, whatever its digits, and a text is none", () => {
  expect(["9007199254740993", "1e2", "7", '"7"', "null"].map((text) => doubleOf(parseExactly(text)))).toEqual([9_007_199_254_740_992, 100, 7, null, null]);
});
