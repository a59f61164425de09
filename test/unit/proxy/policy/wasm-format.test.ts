import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { name, positiveS32, sized, u32, vector, WasmReader } from "../../../../proxy/policy/wasm-format.ts";

const reader = (...bytes: number[]) => new WasmReader(Uint8Array.from(bytes));

describe("a number of WebAssembly", () => {
  test("is read as it was written", () => {
    fc.assert(fc.property(fc.nat(2 ** 32 - 1), (value) => { expect(new WasmReader(u32(value)).u32()).toBe(value); }));
    expect([...u32(2 ** 32 - 1)]).toEqual([0xff, 0xff, 0xff, 0xff, 0x0f]);
  });

  test("may be written longer than it has to be, up to five bytes", () => {
    expect(reader(0x83, 0x80, 0x80, 0x80, 0x00).u32()).toBe(3);
    expect(() => reader(0x83, 0x80, 0x80, 0x80, 0x80, 0x00).u32()).toThrow("too large");
  });

  test("of more than 32 bits is refused", () => {
    expect(() => reader(0xff, 0xff, 0xff, 0xff, 0x1f).u32()).toThrow("too large");
  });

  test("with a sign ends where its sign is sure", () => {
    expect([...positiveS32(63)]).toEqual([63]);
    expect([...positiveS32(64)]).toEqual([0xc0, 0x00]);
    expect([...positiveS32(1_000_000)]).toEqual([0xc0, 0x84, 0x3d]);
  });
});

describe("a part of WebAssembly", () => {
  test("is read as it was written", () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 5 }), (names) => {
      expect(new WasmReader(vector(names.map(name))).vector((each) => each.name())).toEqual(names);
      const content = sized(vector(names.map(name)));
      expect([...new WasmReader(content).sized()]).toEqual([...vector(names.map(name))]);
    }));
  });

  test.each<readonly [string, () => unknown, RegExp]>([
    ["that is shorter than it says", () => reader(3, 1, 2).sized(), /cut off/],
    ["that ends within a number", () => reader(0x80).u32(), /cut off/],
    ["with fewer entries than it says", () => reader(2, 1).vector((each) => each.u32()), /cut off/],
    ["with more than its entries", () => reader(1, 1, 1).vector((each) => each.u32()), /longer than it says/],
    ["with too many entries", () => new WasmReader(u32(100_001)).vector((each) => each.u32()), /100001 entries/],
    ["with a name that is no text", () => reader(1, 0xff).name(), /not valid/],
  ])("%s is refused", (_, read, says) => {
    expect(read).toThrow(says);
  });
});
