import { describe, expect, test } from "vitest";
import { Fields } from "../../../../../proxy/metering/requests/fields.ts";

const malformed = expect.objectContaining({ code: "request.malformed" });

describe("Fields reads a name in the one writing that every server takes", () => {
  test("null and missing are the same", () => {
    const fields = Fields.of({ n: null });
    expect([fields.count("n"), fields.count("m"), fields.has("n"), fields.list("n"), fields.object("n")]).toEqual([null, null, false, [], null]);
  });

  test.each([{ Max_Tokens: 5 }, { maxTokens: 5 }, { max_tokens: 5, MAX_TOKENS: 6 }])("another writing is refused: %j", (object) => {
    expect(() => Fields.of(object).count("max_tokens")).toThrow(malformed);
  });

  test("Google's two writings are one, and both at once are none", () => {
    expect(Fields.of({ max_output_tokens: 5 }, true).count("maxOutputTokens")).toBe(5);
    expect(Fields.of({ max_output_tokens: 5 }, true).key("maxOutputTokens")).toBe("max_output_tokens");
    expect(() => Fields.of({ max_output_tokens: 5, maxOutputTokens: 6 }, true).count("maxOutputTokens")).toThrow(malformed);
  });

  test.each([1.5, -1, "5", true, Number.POSITIVE_INFINITY, [5]])("%j is no count", (value) => {
    expect(() => Fields.of({ n: value }).count("n")).toThrow(malformed);
  });

  test("a number beyond all models is one that limits nothing", () => {
    expect(Fields.of({ n: 1e15 }).count("n")).toBe(1_000_000_000);
  });

  test("what is of another type is refused", () => {
    const fields = Fields.of({ a: 1, b: "x" });
    for (const read of [() => fields.text("a"), () => fields.flag("a"), () => fields.list("b"), () => fields.object("b"), () => Fields.of([])]) expect(read).toThrow(malformed);
  });
});
