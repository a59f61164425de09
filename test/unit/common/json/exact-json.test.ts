import { expect, test } from "vitest";
import { hasMembers, parseExactly } from "../../../../common/json/exact-json.ts";

test.each(["1234567890123456789", "1e400", "-0", "1.0", "0.1", '{"a":[12345678901234567891,"x"],"__proto__":1}'])("%s is written again as it was", (text) => {
  expect(JSON.stringify(parseExactly(text))).toBe(text);
});

test("objects alone have members, not lists, nor numbers that are kept as they were written", () => {
  expect(hasMembers(parseExactly('{"a":1}'))).toBe(true);
  for (const text of ["[1]", "null", "1", '"a"', "1e400", "1234567890123456789"]) expect(hasMembers(parseExactly(text))).toBe(false);
});
