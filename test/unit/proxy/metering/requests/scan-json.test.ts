import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scanJson } from "../../../../../proxy/metering/requests/scan-json.ts";

const scan = (text: string) => scanJson(Buffer.from(text));
const malformed = expect.objectContaining({ code: "request.malformed" });

describe("scanJson reads what every reader reads in one way", () => {
  test("as JSON.parse does, whatever the value", () => {
    return fc.assert(fc.asyncProperty(fc.jsonValue(), async (value) => { expect((await scan(JSON.stringify(value))).value).toEqual(JSON.parse(JSON.stringify(value))); }));
  });

  test.each([
    `{"model":"a","model":"b"}`, String.raw`{"model":"a","\u006dodel":"b"}`, `{"a":[{"x":1,"y":2,"x":3}]}`, `{"a":{"b":1},"a":2}`, `{"a" :1, "a"\n:2}`,
  ])("a key twice in one object is refused: %s", async (text) => { await expect(scan(text)).rejects.toThrow(malformed); });

  test("the same key in two objects, and keys that look alike in strings, are no fault", async () => {
    expect((await scan(String.raw`{"a":{"x":1},"b":{"x":2},"c":"\"a\":1,\"a\":2","d":["a","a"]}`)).value).toMatchObject({ a: { x: 1 }, b: { x: 2 } });
  });

  test("`__proto__` is a key like others", async () => {
    const { value } = await scan(`{"__proto__":{"model":"x"}}`);
    expect(Object.keys(value as object)).toEqual(["__proto__"]);
    expect((value as { readonly model?: string }).model).toBeUndefined();
  });

  test.each(["", "{", `{"a":1}x`, `{"a":1,}`, `{'a':1}`, `{"a":NaN}`, "\ufeff{}", `{"a":"\u0001"}`, String.raw`{"\x":1}`])("what is no JSON is refused: %j", async (text) => {
    await expect(scan(text)).rejects.toThrow(malformed);
  });

  test("bytes that are no UTF-8 are refused", async () => {
    await expect(scanJson(Buffer.from([0x22, 0xff, 0x22]))).rejects.toThrow(malformed);
  });

  test("200 levels are read, 201 are not", async () => {
    await expect(scan("[".repeat(200) + "]".repeat(200))).resolves.toBeDefined();
    await expect(scan("[".repeat(201) + "]".repeat(201))).rejects.toThrow(malformed);
    await expect(scan("[".repeat(1_000_000))).rejects.toThrow(malformed);
  });
});

describe("scanJson makes no more of a body than a request can need", () => {
  const list = (count: number, one: string) => `[${Array<string>(count).fill(one).join(",")}]`;
  const keys = (count: number, key = "k") => `{${Array.from({ length: count }, (_, index) => `"${key}${index}":0`).join(",")}}`;

  test.each([["objects", list(99_999, "{}")], ["lists", list(99_999, "[]")], ["keys", keys(99_999)], ["numbers", list(400_001, "1")], ["texts", list(400_001, `""`)]])("so many %s are read", async (_what, text) => {
    await expect(scan(text)).resolves.toBeDefined();
  });

  test.each([
    ["objects", list(100_000, "{}")], ["lists", list(100_000, "[]")], ["keys", keys(100_000)], ["keys of objects of their own", list(50_000, `{"a":0}`)],
    ["numbers", list(400_002, "1")], ["texts", list(400_002, `""`)], ["long keys", keys(20_000, "x".repeat(300))], ["one key", `{"${"x".repeat(6_400_000)}":0}`],
  ])("one more is not: %s", async (_what, text) => { await expect(scan(text)).rejects.toThrow(malformed); });

  test("they are refused before they are made: the end of the body is not even looked at, and the refusal says why", async () => {
    await expect(scan(`${"{},".repeat(100_001)} no JSON`)).rejects.toThrow(expect.objectContaining({
      code: "request.malformed", explanation: expect.objectContaining({ reason: expect.stringContaining("more than 100000 objects, lists and keys"), hint: "Send less at a time." }),
    }));
  });

  test("commas and braces in texts count nothing", async () => {
    await expect(scan(`["${"{},[],".repeat(100_000)}"]`)).resolves.toBeDefined();
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
  ])("%s: %s", async (text, expected) => { expect((await scan(text)).cacheWrites).toBe(expected); });
});
