import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redirectFunctions, type Redirect } from "../../../../proxy/policy/redirect-functions.ts";
import { HEADER, I64, op, section, text, vector, writeModule, type WrittenFunction, type WrittenModule } from "../../../support/wasm-module.ts";

const TWICE: WrittenFunction = { exportAs: "twice", name: "twice", parameters: 1, body: [...op.get(0), ...op.get(0), ...op.add] };
const module = (parts: Partial<WrittenModule> = {}) => writeModule({ imports: [["opa_builtin1", 3], ["opa_builtin2", 4]], functions: [TWICE], ...parts });
const REDIRECT: Redirect = { symbol: "twice", arity: 1, id: 1_000_000, exportAs: "own" };

type Exports = Readonly<Record<string, (...args: number[]) => number>>;
async function run(wasm: Uint8Array<ArrayBuffer>, host: (...args: number[]) => number = () => 7): Promise<Exports> {
  const env = { memory: new WebAssembly.Memory({ initial: 1 }), opa_builtin1: host, opa_builtin2: host };
  return new WebAssembly.Instance(await WebAssembly.compile(wasm), { env }).exports as Exports;
}

describe("a function of a policy that its host answers", () => {
  test("is answered by the host, and is there as it was under another name", async () => {
    const asked: number[][] = [];
    const { twice, own } = await run(redirectFunctions(module(), [REDIRECT]), (...args) => { asked.push(args); return 7; });
    expect([twice?.(21), own?.(21), asked]).toEqual([7, 42, [[1_000_000, 0, 21]]]);
  });

  test("is left as it is if it is not named", async () => {
    const { twice, own } = await run(redirectFunctions(module(), [{ ...REDIRECT, symbol: "thrice" }]));
    expect([twice?.(21), own]).toEqual([42, undefined]);
  });

  test("is answered also where others of the policy call it", async () => {
    const calling: WrittenFunction = { exportAs: "calling", parameters: 1, body: [...op.get(0), ...op.call(2), ...op.call(2)] };
    const { calling: calls } = await run(redirectFunctions(module({ functions: [TWICE, calling] }), [REDIRECT]), (_id, _context, value = 0) => value + 1);
    expect(calls?.(5)).toBe(7);
  });

  test("has no effect on any other, however many there are and whichever are named", async () => {
    const others = fc.array(fc.record({ isNamed: fc.boolean(), parameters: fc.integer({ min: 1, max: 3 }), value: fc.integer({ min: -70_000, max: 70_000 }) }), { maxLength: 150 });
    await fc.assert(fc.asyncProperty(others, fc.nat(), async (drawn, at) => {
      const functions = drawn.map(({ isNamed, parameters, value }, index): WrittenFunction => ({ exportAs: `f${index}`, parameters, body: op.i32(value), ...(isNamed ? { name: `f${index}` } : {}) }));
      functions.splice(at % (functions.length + 1), 0, TWICE);
      const { twice, own, ...rest } = await run(redirectFunctions(module({ functions }), [REDIRECT]));
      expect([twice?.(21), own?.(21)]).toEqual([7, 42]);
      for (const [index, { value }] of drawn.entries()) expect(rest[`f${index}`]?.(1, 2, 3)).toBe(value);
    }), { numRuns: 40 });
  });
});

describe("a policy is refused", () => {
  const named = (...names: readonly (readonly [number, string])[]) => section(0, [...text("name"), ...section(1, vector(names.map(([index, of]) => [index, ...text(of)])))]);
  const unnamed = { ...TWICE, name: undefined } as unknown as WrittenFunction;
  const added = (behind: number, id: number, content: readonly number[]) => module({ extra: [[behind, section(id, content)]] });
  const whole = module();

  test.each<readonly [string, Uint8Array, RegExp]>([
    ["that is empty", new Uint8Array(), /is no WebAssembly/],
    ["of another version of the format", Uint8Array.from([...HEADER.slice(0, 4), 2, 0, 0, 0]), /is no WebAssembly of version 1/],
    ["without any part", Uint8Array.from(HEADER), /lacks a part/],
    ["that is cut off", whole.subarray(0, whole.length - 3), /is cut off/],
    ["that goes on behind its end", Uint8Array.from([...whole, 1]), /is cut off/],
    ["with a part twice", added(7, 1, [0]), /section 1 that no policy has twice/],
    ["with a part of a later WebAssembly", added(6, 13, [1, 0, 0]), /section 13 that no policy has/],
    ["with more parts than any has", module({ extra: Array.from({ length: 120 }, () => [11, section(0, text("x"))] as const) }), /more than 100 sections/],
    ["with a memory of its own", added(3, 5, [1, 0, 1]), /a memory of its own/],
    ["with a table without an end", added(3, 4, [1, 0x70, 0, 1]), /a table without an end/],
    ["with a table that ends too far away", added(3, 4, [1, 0x70, 1, 1, 0xff, 0xff, 0xff, 0x7f]), /a table without an end/],
    ["with two tables", added(3, 4, [2, 0x70, 1, 1, 1, 0x70, 1, 1, 1]), /a table without an end/],
    ["with a table of what is no function", added(3, 4, [1, 0x6f, 1, 1, 1]), /a table that no policy has/],
    ["with a type of objects", module({ functions: [TWICE, { parameters: 0, result: 0x6e, body: [] }] }), /a type that no policy has/],
    ["with another name section first", module({ extra: [[11, named([2, "twice"], [2, "thrice"])]] }), /names one of its functions twice/],
    ["with two functions of one name", module({ functions: [TWICE, { ...TWICE, exportAs: "other" }] }), /two functions that are named twice/],
    ["that names a function that is imported", module({ functions: [unnamed], extra: [[11, named([0, "twice"])]] }), /is not the function that its name says/],
    ["that names a function that is not there", module({ functions: [unnamed], extra: [[11, named([99, "twice"])]] }), /is not the function that its name says/],
    ["in which it takes more", module({ functions: [{ ...TWICE, parameters: 2 }] }), /is not the function that its name says/],
    ["in which it gives nothing", module({ functions: [{ ...TWICE, result: null, body: [] }] }), /is not the function that its name says/],
    ["in which it gives another number", module({ functions: [{ ...TWICE, result: I64, body: op.i64(1) }] }), /is not the function that its name says/],
    ["that cannot ask its host", module({ imports: [["opa_builtin2", 4]] }), /is not the function that its name says/],
    ["that names none of its functions", Uint8Array.from([...whole.subarray(0, whole.length - 17)]), /does not name its functions/],
  ])("%s", (_, wasm, says) => {
    expect(() => redirectFunctions(wasm, [REDIRECT])).toThrow(says);
  });

  test("or is one that WebAssembly takes or refuses itself: nothing else comes of one that was changed anywhere", async () => {
    const results = new Set<string>();
    await fc.assert(fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
      const changed = Uint8Array.from(whole);
      changed[at] = byte;
      try {
        const redirected = redirectFunctions(changed, [REDIRECT]);
        await WebAssembly.compile(redirected);
        results.add("taken");
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        results.add("refused");
      }
    }), { numRuns: 400 });
    expect([...results].sort()).toEqual(["refused", "taken"]);
  });
});
