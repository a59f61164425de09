import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readClearJson } from "../../../../common/json/clear-json.ts";
import { parseExactly } from "../../../../common/json/exact-json.ts";
import { parseJsonText } from "../../../../common/json/parse-json.ts";

/** Makes the runtime remember a key that looks like the beginning of an escape, in an object whose first member has this name. */
function poison(first: string, key: string): void {
  JSON.parse(`{${JSON.stringify(first)}:1,${JSON.stringify(key)}:1}`);
}

describe("a member whose key is written with an escape", () => {
  test.each([
    ["of one character", "\\u0071", "q", "\\"], ["longer than its escape", "\\u0070ath", "path", "\\u00"], ["that has to be escaped", "\\\"", "\"", "\\"], ["at its end", "pat\\u0068", "path", "pat\\"],
  ])("%s is seen, whatever the runtime read before", (_, written, key, poisonous) => {
    poison("limit", poisonous);
    const text = `{"limit":1,"${written}":"/etc/passwd"}`;
    const wanted = { limit: 1, [key]: "/etc/passwd" };
    expect(parseJsonText(text)).toEqual(wanted);
    expect(parseExactly(text)).toEqual(wanted);
    expect(readClearJson(Buffer.from(text)).value).toEqual(wanted);
  });
});

test("text is read as the parser reads it", () => {
  // Each member follows another of a name of its own, so that the runtime has nothing to remember.
  const keys = fc.string({ unit: fc.constantFrom("a", "\"", "\\", "\n", "é", "😀", "\u0000", ":", ",", "{", "__proto__"), maxLength: 3 });
  const tree = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, keys, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)), fc.boolean(), fc.constant(null), fc.array(tie("value"), { maxLength: 3 }), fc.dictionary(keys, tie("value"), { maxKeys: 3 })),
  })).value;
  fc.assert(fc.property(tree, fc.constantFrom(undefined, 1, "\t"), (value, space) => {
    const text = JSON.stringify({ "\\": value }, null, space);
    expect(JSON.stringify(parseJsonText(text), null, space)).toBe(text);
  }));
});

test("a key that is the name of a prototype is a member", () => {
  const value = parseJsonText("{\"__proto__\":{\"a\":1},\"\\u0062\":2}") as object;
  expect(Object.keys(value)).toEqual(["__proto__", "b"]);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test.each(["{\"\\u0061\":1", "{\"\\u0061\":1,}", "{\"\\x\":1}", "", "{\"\\u0061\" 1}"])("what is no JSON is refused: %s", (text) => {
  expect(() => parseJsonText(text)).toThrow(SyntaxError);
});

test("what is nested too deep is refused if it has such a key", () => {
  expect(() => parseJsonText(`{"\\n":${"[".repeat(6_000)}${"]".repeat(6_000)}}`)).toThrow(SyntaxError);
});
