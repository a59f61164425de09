import { expect, test } from "vitest";
import * as z from "zod";
import { schemaRows } from "../../../../scripts/docs/schema-rows.ts";

const rowsOf = (schema: z.ZodType) => schemaRows(schema).map(({ path, type, fallback, description }) => [path, type, fallback, description]);

test("a setting has its path, type with range, default and description", () => {
  const schema = z.strictObject({ upstream: z.strictObject({ timeoutMs: z.number().int().min(1).max(9).default(5).describe("Time.") }).prefault({}) });
  expect(rowsOf(schema)).toEqual([["upstream.timeoutMs", "whole number 1 to 9", "`5`", "Time."]]);
});

test("a setting without default says whether it must be given", () => {
  expect(rowsOf(z.strictObject({ a: z.string(), b: z.boolean().optional() }))).toEqual([["a", "text", "required", ""], ["b", "`true`, `false`", "unset", ""]]);
});

test("what is inside a map or a list is listed below it", () => {
  const inner = z.strictObject({ host: z.url() });
  expect(rowsOf(z.strictObject({ grants: z.record(z.string(), inner).default({}), sinks: z.array(inner).default([]) })).map(([path, type]) => [path, type])).toEqual([
    ["grants", "map by name"], ["grants.<name>.host", "URL"], ["sinks", "list of sections"], ["sinks[].host", "URL"],
  ]);
});

test("a choice of shapes names the shape that a setting belongs to", () => {
  const choice = z.discriminatedUnion("type", [z.strictObject({ type: z.literal("file"), path: z.string() }), z.strictObject({ type: z.literal("none") })]);
  expect(rowsOf(z.strictObject({ source: choice })).map(([path, type]) => [path, type])).toEqual([["source", "`file` or `none`"], ["source (type: file).path", "text"]]);
});
