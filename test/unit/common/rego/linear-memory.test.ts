import { describe, expect, test } from "vitest";
import { LinearMemory } from "../../../../common/rego/linear-memory.ts";

const PAGE = 64 * 1024;

describe("the memory of a policy", () => {
  test("gives back the text that was written to it", () => {
    const memory = new LinearMemory(8 * PAGE);
    expect(memory.write(100, "é and more")).toBe(11);
    expect(memory.textAt(100, 20)).toBe("é and more");
    expect(memory.textAt(111, 20)).toBe("");
  });

  test("takes text up to its last byte, and no further", () => {
    const memory = new LinearMemory(8 * PAGE);
    expect(memory.write(memory.bytes - 3, "abc")).toBe(3);
    expect(() => memory.write(memory.bytes - 2, "abc")).toThrow("points beyond its memory");
    expect(() => memory.textAt(memory.bytes - 3, 100)).toThrow("is longer than 100 bytes");
  });

  test("has no text that is longer than whoever reads it takes", () => {
    const memory = new LinearMemory(8 * PAGE);
    memory.write(0, "0123456789\0");
    expect(memory.textAt(0, 10)).toBe("0123456789");
    expect(() => memory.textAt(0, 9)).toThrow("is longer than 9 bytes");
  });

  test.each([-1, -(2 ** 31), 2 ** 31, 2 ** 32 - 1, 8 * PAGE + 1, 0.5, Number.NaN, Infinity, 5n, undefined])("has nothing at %s", (address) => {
    const memory = new LinearMemory(8 * PAGE);
    expect(() => memory.textAt(address as number, 10)).toThrow(/points beyond its memory|for an address is none/);
    expect(() => memory.write(address as number, "x")).toThrow(/points beyond its memory|for an address is none/);
  });

  test("grows up to its ceiling", () => {
    const memory = new LinearMemory(10 * PAGE + 1);
    expect(memory.bytes).toBe(8 * PAGE);
    memory.makeRoom(0, memory.bytes);
    expect(memory.bytes).toBe(8 * PAGE);
    memory.makeRoom(10, 9 * PAGE);
    expect(memory.bytes).toBe(10 * PAGE);
    expect(() => { memory.makeRoom(10, 10 * PAGE); }).toThrow(RangeError);
    expect(() => { memory.makeRoom(-1, 1); }).toThrow(RangeError);
  });
});
