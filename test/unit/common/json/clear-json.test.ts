import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readClearJson, type JsonFault } from "../../../../common/json/clear-json.ts";

const read = (text: string, isDecidedBy = true) => readClearJson(Buffer.from(text), { isDecidedBy }).value;
const fault = (kind: JsonFault["kind"]) => expect.objectContaining({ name: "JsonFault", kind });

describe("readClearJson", () => {
  test("reads what JSON.parse reads, whatever the value", () => {
    fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false }), fc.boolean(), (value, isDecidedBy) => {
      const text = JSON.stringify(value);
      let found: unknown;
      try {
        found = read(text, isDecidedBy);
      } catch (error) {
        expect(error).toEqual(fault("unclear"));
        return;
      }
      expect(found).toEqual(JSON.parse(text));
    }));
  });

  test("tells what nobody reads, what two read in two ways, and what is too much", () => {
    for (const text of ["", "{", "{} {}", `{"a":1,}`]) expect(() => read(text)).toThrow(fault("no-json"));
    for (const text of [`{"a":1,"a":1}`, "\ufeff1", `{"a":1,"A":2}`, "1e999"]) expect(() => read(text)).toThrow(fault("unclear"));
    for (const text of ["[".repeat(201), "{},".repeat(100_001)]) expect(() => read(text)).toThrow(fault("too-much"));
  });

  test("leaves case and numbers to readers where no decision hangs on them", () => {
    expect(read(`{"a":1,"A":1e999}`, false)).toEqual({ a: 1, A: Number.POSITIVE_INFINITY });
  });

  test("does not judge a number that only names something, and each other one", () => {
    const isLoose = (key: string, depth: number) => key === "id" && depth === 1;
    const readNamed = (text: string) => readClearJson(Buffer.from(text), { isDecidedBy: true, isLoose }).value;
    expect(readNamed(`{"a":{"b":1},"id":9007199254740993}`)).toMatchObject({ a: { b: 1 } });
    for (const text of [`{"id":[9007199254740993]}`, `{"id":{"id":9007199254740993}}`, `{"id":1,"a":9007199254740993}`, "9007199254740993"]) expect(() => readNamed(text)).toThrow(fault("unclear"));
  });

  test("hears of keys as they are meant", () => {
    const keys: string[] = [];
    readClearJson(Buffer.from(String.raw`{"a":{"\u0062":["c"]}}`), { onKey: (key) => { keys.push(key); } });
    expect(keys).toEqual(["a", "b"]);
  });

  test("a whole number is held as it is, or refused", () => {
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (number) => {
      let held: unknown;
      try {
        held = read(String(number));
      } catch {
        return;
      }
      expect(BigInt(held as number)).toBe(number);
    }));
  });
});
