import fc from "fast-check";
import { expect, test } from "vitest";
import { dataMemoryBytes } from "../../../../proxy/policy/data-memory.ts";

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
