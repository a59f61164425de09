import { describe, expect, test } from "vitest";
import { HeldBytes } from "../../../../proxy/exchange/held-bytes.ts";

describe("what may be held back", () => {
  test("is a quarter of the whole for one instance, and the whole for all", () => {
    const held = new HeldBytes(100);
    expect([held.take("a", 25), held.take("a", 1)]).toEqual([true, false]);
    expect(["b", "c", "d"].map((instance) => held.take(instance, 25))).toEqual([true, true, true]);
    expect(held.take("e", 1)).toBe(false);
    expect(held.bytes).toBe(100);
  });

  test("can be asked for in the name of one", () => {
    const held = new HeldBytes(100);
    const room = held.roomOf("a");
    expect([room.take(25), held.take("a", 1)]).toEqual([true, false]);
    room.giveBack(25);
    expect(held.bytes).toBe(0);
  });

  test("is free again when it is given back", () => {
    const held = new HeldBytes(100);
    held.take("a", 20);
    held.giveBack("a", 10);
    expect([held.take("a", 15), held.take("a", 1), held.bytes]).toEqual([true, false, 25]);
    held.giveBack("a", 25);
    expect([held.bytes, held.take("a", 25)]).toEqual([0, true]);
  });
});
