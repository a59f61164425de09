import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasRepeatedNames, parseObject, withoutMember } from "../../../../../proxy/metering/answers/json-text.ts";

describe("hasRepeatedNames", () => {
  test("finds a name that an object has twice, at any depth and however it is written", () => {
    for (const json of ['{"a":1,"a":2}', '{"x":{"b":[],"c":0,"b":1}}', '[{"u":1,"\\u0075":2}]', '{"a":{"b":1},"a":3}', '{"q\\"":1,"q\\"":2}']) expect(hasRepeatedNames(json), json).toBe(true);
  });

  test("finds none where names are the same in different objects, or stand in strings", () => {
    for (const json of ['{"a":{"a":1},"b":{"a":2}}', '[{"a":1},{"a":2}]', '{"t":"\\"a\\":1,\\"a\\":2","a":1}', '{"a":["a","a"],"b":"a"}', '{"\\\\":1,"a":2}']) expect(hasRepeatedNames(json), json).toBe(false);
    fc.assert(fc.property(fc.jsonValue(), fc.nat(2), (value, indent) => { expect(hasRepeatedNames(JSON.stringify(value, null, indent))).toBe(false); }));
  });
});

describe("withoutMember", () => {
  test("leaves all else as it is written", () => {
    expect(withoutMember('{"usage":null, "a" : 1.0}', "usage")).toBe('{"a" : 1.0}');
    expect(withoutMember('{"a":{"usage":null},"usage" : null ,"b":[1e2]}', "usage")).toBe('{"a":{"usage":null},"b":[1e2]}');
    expect(withoutMember('{"a":"\\"usage\\":null","usage":null}', "usage")).toBe('{"a":"\\"usage\\":null"}');
    expect(withoutMember('{"usage":null}', "usage")).toBe("{}");
    expect(withoutMember('{"a":1}', "usage")).toBe('{"a":1}');
  });

  test("takes one member out of any object", () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), fc.nat(3), (rest, usage, indent) => {
      const { usage: _, ...others } = rest;
      const text = JSON.stringify({ ...others, usage, ...others }, null, indent);
      expect(parseObject(withoutMember(text, "usage"))).toEqual(JSON.parse(JSON.stringify(others)));
    }));
  });
});
