import fc from "fast-check";
import { expect, test } from "vitest";
import { dataMemoryBytes, textMemoryBytes } from "../../../../proxy/policy/data-memory.ts";

test("more data never take less memory", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
    expect(dataMemoryBytes([one, other])).toBeGreaterThan(dataMemoryBytes(one));
  }));
});

test("what is short as text and much as data is dear: a list of numbers costs a hundred times its length", () => {
  const numbers = Array.from({ length: 10_000 }, (_, index) => index % 10);
  expect(dataMemoryBytes(numbers)).toBeGreaterThan(80 * JSON.stringify(numbers).length);
  expect(dataMemoryBytes("x".repeat(20_000))).toBeLessThan(3 * 20_000);
});

test("data of any depth are counted without a stack", () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 2_000; depth += 1) deep = [deep];
  expect(dataMemoryBytes(deep)).toBeGreaterThan(2_000);
});

test("a text that was not parsed takes what it takes when it is, however it is written", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    expect(textMemoryBytes(Buffer.from(JSON.stringify(value)))).toBe(dataMemoryBytes(value));
    expect(textMemoryBytes(Buffer.from(JSON.stringify(value, null, 2)))).toBe(dataMemoryBytes(value));
  }));
});

test.each(["", "\"", "\"\\", "[[[", "]]", "{\"a", ",,,"])("what is no JSON is counted all the same: %j", (text) => {
  expect(textMemoryBytes(Buffer.from(text))).toBeGreaterThan(0);
});
