import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JsonArrayFraming } from "../../../../../../proxy/metering/answers/framing/json-array.ts";

function run(text: string, cuts: readonly number[], limitBytes = 10_000) {
  const framing = new JsonArrayFraming(limitBytes);
  const bytes = Buffer.from(text);
  const seen: unknown[] = [];
  const out: Buffer[] = [];
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    out.push(framing.push(Buffer.from(bytes.subarray(at, cut)), ({ data }) => { seen.push(JSON.parse(data)); return "pass"; }));
    at = cut;
  }
  return { seen, passed: Buffer.concat(out).toString(), framing };
}

describe("JsonArrayFraming", () => {
  test("sees each element when it is whole, and passes all bytes, however they are split", () => {
    const value = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 5 });
    fc.assert(fc.property(value, fc.nat(3), fc.array(fc.nat(2_000)), (elements, indent, cuts) => {
      const text = ` ${JSON.stringify(elements, null, indent)}\n`;
      const { seen, passed } = run(text, cuts.filter((cut) => cut < Buffer.byteLength(text)).sort((a, b) => a - b));
      expect(seen).toEqual(JSON.parse(text));
      expect(passed).toBe(text);
    }), { numRuns: 300 });
  });

  test("can be ended at every byte, and is an array of whole elements then", () => {
    const elements = [{ a: "] } , [ {" }, { b: "\\\"" }, { c: [{}] }];
    const text = JSON.stringify(elements, null, 1);
    for (let cut = 0; cut < text.length - 1; cut += 1) {
      const { passed, framing } = run(text.slice(0, cut), []);
      const ended: unknown[] = JSON.parse(passed + framing.close([{ name: null, data: "{\"end\":true}" }]).toString());
      expect(ended.at(-1)).toEqual({ end: true });
      expect(elements).toMatchObject(ended.slice(0, -1).map((one, index) => (index < 3 ? one : {})).concat(elements.slice(ended.length - 1)));
    }
  });

  test("is not ended twice", () => {
    const { framing } = run("[{}]", []);
    expect(framing.close([{ name: null, data: "{}" }])).toHaveLength(0);
  });

  test("passes unread what is no array of objects", () => {
    for (const text of ["[1,{}]", "{}", "[[", "[{}]]", "[,{}]", "nonsense"]) {
      const { passed, framing } = run(text, [1]);
      expect(passed + framing.end().toString(), text).toBe(text);
    }
    expect(run("[1,{}]", []).framing.isBlind).toBe(true);
    expect(run(`[{"a":"${"x".repeat(200)}`, [], 100).framing.isBlind).toBe(true);
  });
});
