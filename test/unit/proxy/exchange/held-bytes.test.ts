import { describe, expect, test } from "vitest";
import { HeldBytes, type Holder } from "../../../../proxy/exchange/held-bytes.ts";

/** An instance, of an agent of its own if no other is named. */
const of = (instance: string, name = instance): Holder => ({ namespace: "ns", name, instance });

describe("what may be held back", () => {
  test("is a quarter of the whole for one instance, and the whole for all", () => {
    const held = new HeldBytes(100);
    expect([held.take(of("a"), 25), held.take(of("a"), 1)]).toEqual([true, false]);
    expect(["b", "c", "d"].map((instance) => held.take(of(instance), 25))).toEqual([true, true, true]);
    expect(held.take(of("e"), 1)).toBe(false);
    expect(held.bytes).toBe(100);
  });

  test("is half of the whole for one agent, however many instances it has", () => {
    const held = new HeldBytes(100);
    expect(["i1", "i2", "i3"].map((instance) => held.take(of(instance, "greedy"), 25))).toEqual([true, true, false]);
    expect(["j1", "j2"].map((instance) => held.take(of(instance, "other"), 25))).toEqual([true, true]);
    held.giveBack(of("i1", "greedy"), 25);
    expect(held.take({ namespace: "elsewhere", name: "greedy", instance: "k1" }, 25)).toBe(true);
  });

  test("can be asked for in the name of one", () => {
    const held = new HeldBytes(100);
    const room = held.roomOf(of("a"));
    expect([room.take(25), held.take(of("a"), 1)]).toEqual([true, false]);
    room.giveBack(25);
    expect(held.bytes).toBe(0);
  });

  test("is free again when it is given back", () => {
    const held = new HeldBytes(100);
    held.take(of("a"), 20);
    held.giveBack(of("a"), 10);
    expect([held.take(of("a"), 15), held.take(of("a"), 1), held.bytes]).toEqual([true, false, 25]);
    held.giveBack(of("a"), 25);
    expect([held.bytes, held.take(of("a"), 25)]).toEqual([0, true]);
  });
});
