import { describe, expect, test } from "vitest";
import { redirectFunctions, type Redirect } from "../../../../proxy/policy/redirect-functions.ts";

/** Imports `opa_builtin1`, of three i32, and has one function `twice` of one i32 that gives it twice; both are named. */
const MODULE = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
  1, 13, 2, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f, 0x60, 1, 0x7f, 1, 0x7f,
  2, 20, 1, 3, ...Buffer.from("env"), 12, ...Buffer.from("opa_builtin1"), 0, 0,
  3, 2, 1, 1,
  7, 9, 1, 5, ...Buffer.from("twice"), 0, 1,
  10, 9, 1, 7, 0, 0x20, 0, 0x20, 0, 0x6a, 0x0b,
]);
const named = (name: string) => [0, 7 + 2 + name.length + 1, 4, ...Buffer.from("name"), 1, 3 + name.length, 1, 1, name.length, ...Buffer.from(name)];
const NAMED = Uint8Array.from([...MODULE, ...named("twice")]);
const TWICE: Redirect = { symbol: "twice", arity: 1, id: 1_000_000, exportAs: "own" };

describe("a function of a policy that its host answers", () => {
  test("is answered by the host, and is there as it was under another name", async () => {
    const asked: number[][] = [];
    const module = await WebAssembly.compile(redirectFunctions(NAMED, [TWICE]));
    const host = (...args: number[]) => {
      asked.push(args);
      return 7;
    };
    const { twice, own } = new WebAssembly.Instance(module, { env: { opa_builtin1: host } }).exports as Record<"twice" | "own", (value: number) => number>;
    expect([twice(21), own(21), asked]).toEqual([7, 42, [[1_000_000, 0, 21]]]);
  });

  test("is left as it is if it is not named", async () => {
    const module = await WebAssembly.compile(redirectFunctions(NAMED, [{ ...TWICE, symbol: "thrice" }]));
    const { twice } = new WebAssembly.Instance(module, { env: { opa_builtin1: () => 7 } }).exports as Record<"twice", (value: number) => number>;
    expect(twice(21)).toBe(42);
  });

  test.each([
    ["names none of its functions", MODULE, TWICE, "does not name its functions"],
    ["is cut off", NAMED.subarray(0, NAMED.length - 3), TWICE, "is cut off"],
    ["has another function of that name", NAMED, { ...TWICE, arity: 2 as const }, "is not the function that its name says"],
  ])("is refused of a policy that %s", (_, wasm, redirect, says) => {
    expect(() => redirectFunctions(wasm, [redirect])).toThrow(says);
  });
});
