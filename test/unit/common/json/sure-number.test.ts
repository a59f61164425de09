import fc from "fast-check";
import { expect, test } from "vitest";
import { readNumber } from "../../../../common/json/sure-number.ts";

const read = (text: string) => readNumber(Buffer.from(`[${text} ,1]`), 1);

test.each([
  ["0", true], ["-1.5", true], ["123456789012345", true], ["9007199254740992", true], ["1e3", true], ["1E+2", true], ["0.1234567890123456789", true],
  ["9007199254740993", false], ["1e400", false], ["1e-400", false], ["12345678901234567890", false], [`1${"0".repeat(400)}`, false],
])("the number %s is held alike: %s", (text, isSure) => {
  expect(read(text)).toEqual({ end: 1 + text.length, isSure });
});

test("a number ends where no more of it stands, whatever follows", () => {
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(",", "]", "}", " ", "\n", "x"), (value, next) => {
    const text = JSON.stringify(value);
    expect(readNumber(Buffer.from(text + next), 0).end).toBe(text.length);
  }));
});
