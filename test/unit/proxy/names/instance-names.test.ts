import { describe, expect, test } from "vitest";
import { InstanceNames } from "../../../../proxy/names/instance-names.ts";
import { TestClock } from "../../../support/test-clock.ts";

const fill = (names: InstanceNames, prefix: string, count: number) => Array.from({ length: count }, (_, at) => names.indexFor(`${prefix}${at}.example.com`));

describe("the names of one instance", () => {
  test("make room: the one used longest ago goes first", () => {
    const names = new InstanceNames(new TestClock());
    const first = names.indexFor("first.example.com");
    const second = names.indexFor("second.example.com");
    names.nameAt(first);
    fill(names, "n", 4_095);
    expect(names.nameAt(first)).toBe("first.example.com");
    expect(names.nameAt(second)).toBeUndefined();
  });

  test("never put another name at an address within the quarantine, and refuse a flood instead", () => {
    const clock = new TestClock();
    const names = new InstanceNames(clock);
    const seen = new Map<number, string>();
    for (let at = 0; at < 16_384; at += 1) {
      const index = names.indexFor(`n${at}.example.com`);
      expect(seen.has(index)).toBe(false);
      seen.set(index, `n${at}`);
    }
    expect(() => names.indexFor("one-more.example.com")).toThrow(expect.objectContaining({ code: "name.flood" }));
    clock.advance(299_999);
    expect(() => names.indexFor("one-more.example.com")).toThrow(expect.objectContaining({ code: "name.flood" }));
    clock.advance(1);
    expect(seen.has(names.indexFor("one-more.example.com"))).toBe(true);
  });

  test("go on for ever at a pace that lets addresses cool down", () => {
    const clock = new TestClock();
    const names = new InstanceNames(clock);
    for (let at = 0; at < 60_000; at += 1) {
      const index = names.indexFor(`n${at}.example.com`);
      expect(names.nameAt(index)).toBe(`n${at}.example.com`);
      clock.advance(30);
    }
  });

  test("that are known still have their address during a flood", () => {
    const names = new InstanceNames(new TestClock());
    fill(names, "n", 16_384);
    expect(names.nameAt(names.indexFor("n16383.example.com"))).toBe("n16383.example.com");
  });
});
