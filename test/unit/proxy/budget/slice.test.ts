import { expect, test } from "vitest";
import { Slice } from "../../../../proxy/budget/slice.ts";

function slice(granted: bigint): Slice {
  const one = new Slice("k", 0, null);
  one.grow(granted);
  return one;
}

test("a slice reserves what is free to the unit, and not one more", () => {
  const one = slice(10n);
  one.reserve(10n);
  expect(() => { one.reserve(1n); }).toThrow(RangeError);
  one.settle(10n, 4n, 1n);
  expect([one.used, one.estimated, one.reserved, one.free]).toEqual([4n, 1n, 0n, 6n]);
});

test("a slice gives back what is free and no more, and an answer that comes late takes nothing away", () => {
  const one = slice(10n);
  one.reserve(3n);
  expect(() => { one.giveBack(8n); }).toThrow(RangeError);
  one.giveBack(7n);
  one.grow(5n);
  expect([one.granted, one.returned, one.free]).toEqual([10n, 7n, 0n]);
});

test("nothing of a slice that the store disowned is free", () => {
  const one = slice(10n);
  one.isVoid = true;
  expect(one.free).toBe(0n);
});
