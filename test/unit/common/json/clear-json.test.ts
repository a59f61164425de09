import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readClearJson, readClearJsonInTurns, type JsonFault } from "../../../../common/json/clear-json.ts";

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
    for (const text of ["[".repeat(201), "{},".repeat(40_001), "1,".repeat(160_001)]) expect(() => read(text)).toThrow(fault("too-much"));
    for (const text of [`[${"{},".repeat(40_001)}1]`, `[${"1,".repeat(160_001)}1]`]) expect(() => read(text, false)).not.toThrow();
    expect(() => read("{},".repeat(100_001), false)).toThrow(fault("too-much"));
  });

  test("takes less of what is read slowly: a key that is written with an escape", () => {
    const text = (key: string) => `{"${key}":[${"1,".repeat(10_000)}1]}`;
    expect(() => read(text(String.raw`\u0061`))).toThrow(fault("too-much"));
    for (const key of ["a", "ä", "A"]) expect(() => read(text(key))).not.toThrow();
    expect(() => read(text(String.raw`\u0061`), false)).not.toThrow();
  });

  test("finds a key twice in whatever writing, and keeps those apart that only seem alike", () => {
    for (const text of [`{"Ab":1,"ab":2}`, String.raw`{"ab":1,"\u0041b":2}`, `{"k":1,"\u212a":2}`, String.raw`{"ä":1,"\u00e4":2}`, `{"é":1,"É":2}`]) expect(() => read(text)).toThrow(fault("unclear"));
    for (const text of [`{"a":1,"ab":2}`, String.raw`{"a":1,"\\u0061":2}`, `{"ä":1,"a":2}`, `{"a_b":1,"ab":2}`]) expect(() => read(text)).not.toThrow();
  });

  test("of a long text, others have their turn while it is walked over, and it is read as by one who does not wait", async () => {
    const text = Buffer.from(`{"a":[${Array.from({ length: 20_000 }, (_, index) => `{"role":"user${index}"}`).join(",")}],"b":1}`);
    let [turns, isOver] = [0, false];
    const count = (): void => { turns += 1; if (!isOver) setImmediate(count); };
    setImmediate(count);
    const found = await readClearJsonInTurns(text);
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(Math.floor(text.length / 65_536));
    expect(found).toEqual(readClearJson(text));
    await expect(readClearJsonInTurns(Buffer.from(`[${" ".repeat(300_000)}{"a":1,"a":2}]`))).rejects.toThrow(fault("unclear"));
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
