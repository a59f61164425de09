import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { spliced, type Edit } from "../../../../../proxy/metering/requests/splice.ts";

const set = (text: string, ...edits: Edit[]) => spliced(Buffer.from(text), edits).toString();

describe("spliced sets values and leaves every other byte", () => {
  test.each([
    [`{"a":1,"n":5}`, ["n"], `{"a":1,"n":7}`],
    [` { "n" : 5 , "a" : 12345678901234567890 } `, ["n"], ` { "n" : 7 , "a" : 12345678901234567890 } `],
    [`{"a":1}`, ["n"], `{"n":7,"a":1}`],
    [`{}`, ["n"], `{"n":7}`],
    [`{ }`, ["n"], `{"n":7 }`],
    [`{"o":{"x":[1,{"n":2}]}}`, ["o", "n"], `{"o":{"n":7,"x":[1,{"n":2}]}}`],
    [`{"x":{"n":1},"o":{"n":1}}`, ["o", "n"], `{"x":{"n":1},"o":{"n":7}}`],
    [`{"a":1}`, ["o", "n"], `{"o":{"n":7},"a":1}`],
    [`{"o":null}`, ["o", "n"], `{"o":{"n":7}}`],
    [`{"o":{}}`, ["o", "n"], `{"o":{"n":7}}`],
    [String.raw`{"s":"}\",{\"n\":1","n":null}`, ["n"], String.raw`{"s":"}\",{\"n\":1","n":7}`],
    [String.raw`{"\u006e":5}`, ["n"], String.raw`{"\u006e":7}`],
    [`{"a":"n","n":[1,2]}`, ["n"], `{"a":"n","n":7}`],
    [`{"n":1e3}`, ["n"], `{"n":7}`],
    [`{"l":[ {"x":[1,{}]} , "}]" , {"a":1} ]}`, ["l", 2, "n"], `{"l":[ {"x":[1,{}]} , "}]" , {"n":7,"a":1} ]}`],
    [`{"l":[{"n":null},{"n":1}]}`, ["l", 0, "n"], `{"l":[{"n":7},{"n":1}]}`],
    [`{"l":[[],{}]}`, ["l", 1, "n"], `{"l":[[],{"n":7}]}`],
  ])("%s at %s", (text, path, expected) => { expect(set(text, { path, value: 7 })).toBe(expected); });

  test("an element that is not there is set by nobody", () => {
    for (const text of [`{"l":[{}]}`, `{"l":[]}`, `{"l":{"a":1}}`, "{}"]) expect(() => set(text, { path: ["l", 1, "n"], value: 7 }), text).toThrow("not in a list");
  });

  test("whatever the object and its white space, the value is set and the rest is the same", () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    fc.assert(fc.property(object, fc.constantFrom(0, 1, 4), fc.constantFrom(["limit"], ["settings", "limit"]), (value, indent, path) => {
      const { settings: _one, limit: _other, ...rest } = value;
      const done = JSON.parse(set(JSON.stringify(value, null, indent), { path, value: 7 })) as Record<string, unknown>;
      const { settings, limit, ...left } = done;
      expect(left).toEqual(JSON.parse(JSON.stringify(rest)));
      expect(path.length === 1 ? limit : (settings as { readonly limit: number }).limit).toBe(7);
    }));
  });
});
