import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scanJson } from "../../../../../proxy/metering/requests/scan-json.ts";

const scan = (text: string) => scanJson(Buffer.from(text));
const malformed = expect.objectContaining({ code: "request.malformed" });

describe("scanJson reads what every reader reads in one way", () => {
  test("as JSON.parse does, whatever the value", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => { expect(scan(JSON.stringify(value)).value).toEqual(JSON.parse(JSON.stringify(value))); }));
  });

  test.each([
    `{"model":"a","model":"b"}`, String.raw`{"model":"a","\u006dodel":"b"}`, `{"a":[{"x":1,"y":2,"x":3}]}`, `{"a":{"b":1},"a":2}`, `{"a" :1, "a"\n:2}`,
  ])("a key twice in one object is refused: %s", (text) => { expect(() => scan(text)).toThrow(malformed); });

  test("the same key in two objects, and keys that look alike in strings, are no fault", () => {
    expect(scan(String.raw`{"a":{"x":1},"b":{"x":2},"c":"\"a\":1,\"a\":2","d":["a","a"]}`).value).toMatchObject({ a: { x: 1 }, b: { x: 2 } });
  });

  test("`__proto__` is a key like others", () => {
    const { value } = scan(`{"__proto__":{"model":"x"}}`);
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect((value as { readonly model?: string }).model).toBeUndefined();
  });

  test.each(["", "{", `{"a":1}x`, `{"a":1,}`, `{'a':1}`, `{"a":NaN}`, "\ufeff{}", `{"a":"\u0001"}`, String.raw`{"\x":1}`])("what is no JSON is refused: %j", (text) => {
    expect(() => scan(text)).toThrow(malformed);
  });

  test("bytes that are no UTF-8 are refused", () => {
    expect(() => scanJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(malformed);
  });

  test("200 levels are read, 201 are not", () => {
    expect(() => scan("[".repeat(200) + "]".repeat(200))).not.toThrow();
    expect(() => scan("[".repeat(201) + "]".repeat(201))).toThrow(malformed);
    expect(() => scan("[".repeat(1_000_000))).toThrow(malformed);
  });
});

describe("scanJson makes no more of a body than a request can need", () => {
  const list = (count: number, one: string) => `[${Array<string>(count).fill(one).join(",")}]`;
  const keys = (count: number, key = "k") => `{${Array.from({ length: count }, (_, index) => `"${key}${index}":0`).join(",")}}`;

  test.each([["objects", list(99_999, "{}")], ["lists", list(99_999, "[]")], ["keys", keys(99_999)], ["numbers", list(400_001, "1")], ["texts", list(400_001, `""`)]])("so many %s are read", (_what, text) => {
    expect(() => scan(text)).not.toThrow();
  });

  test.each([
    ["objects", list(100_000, "{}")], ["lists", list(100_000, "[]")], ["keys", keys(100_000)], ["keys of objects of their own", list(50_000, `{"a":0}`)],
    ["numbers", list(400_002, "1")], ["texts", list(400_002, `""`)], ["long keys", keys(20_000, "x".repeat(300))], ["one key", `{"${"x".repeat(6_400_000)}":0}`],
  ])("one more is not: %s", (_what, text) => { expect(() => scan(text)).toThrow(malformed); });

  test("they are refused before they are made: the end of the body is not even looked at, and the refusal says why", () => {
    expect(() => scan(`${"{},".repeat(100_001)} no JSON`)).toThrow(expect.objectContaining({
      code: "request.malformed", explanation: expect.objectContaining({ reason: expect.stringContaining("more than 100000 objects, lists and keys"), hint: "Send less at a time." }),
    }));
  });

  test("commas and braces in texts count nothing", () => {
    expect(() => scan(`["${"{},[],".repeat(100_000)}"]`)).not.toThrow();
  });
});

describe("scanJson says what is kept in the provider's cache", () => {
  test.each([
    [`{"a":1}`, "none"],
    [`{"a":{"cache_control":{"type":"ephemeral"}}}`, "5m"],
    [`{"a":{"cache_control":{"type":"ephemeral","ttl":"5m"}}}`, "5m"],
    [`{"a":{"cache_control":{"type":"ephemeral","ttl":"1h"}}}`, "1h"],
    [String.raw`{"a":{"cache\u005fcontrol":{"t\u0074l":"\u0031h"}}}`, "1h"],
    [`{"a":[{"cachePoint":{"type":"default"}}]}`, "5m"],
    [`{"a":"cache_control"}`, "none"],
  ])("%s: %s", (text, expected) => { expect(scan(text).cacheWrites).toBe(expected); });
});
