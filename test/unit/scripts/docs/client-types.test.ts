import { expect, test } from "vitest";
import { typeOf } from "../../../../scripts/docs/client-types.ts";

test.each([
  [{ type: "integer" }, "number"], [{ type: ["string", "null"] }, "string | null"], [{ enum: ["a", "b"] }, "\"a\" | \"b\""], [{}, "unknown"],
  [{ $ref: "#/components/schemas/Thread" }, "Thread"], [{ type: "array", items: { type: "string" } }, "string[]"], [{ type: "array", items: { enum: ["a", 1] } }, "(\"a\" | 1)[]"],
  [{ type: "object", properties: { a: { type: "string" }, "b-c": { type: "boolean" } }, required: ["a"] }, "{ a: string; \"b-c\"?: boolean }"],
  [{ anyOf: [{ $ref: "#/components/schemas/Thread" }, { type: "null" }] }, "Thread | null"],
])("%j becomes %s", (schema, type) => {
  expect(typeOf(schema)).toBe(type);
});

test("a type that it does not know is an error, not a guess", () => {
  expect(() => typeOf({ type: "file" })).toThrow(/no TypeScript type/);
});
