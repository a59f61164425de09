import { expect, test } from "vitest";
import * as z from "zod";
import { keysAt } from "../../../common/schema-keys.ts";

const schema = z.strictObject({
  hosts: z.array(z.strictObject({ name: z.string(), mcp: z.strictObject({ tools: z.array(z.string()) }).optional() }).superRefine(() => undefined)).default([]),
  named: z.record(z.string(), z.strictObject({ limit: z.number() })).prefault({}),
  source: z.discriminatedUnion("type", [z.strictObject({ type: z.literal("a"), url: z.string() }), z.strictObject({ type: z.literal("b"), file: z.string() })]).optional(),
  any: z.record(z.string(), z.json()).default({}),
  read: z.strictObject({ from: z.string() }).transform(({ from }) => from),
});

test.each([
  [[], ["hosts", "named", "source", "any", "read"]], [["hosts", 3], ["name", "mcp"]], [["hosts", 0, "mcp"], ["tools"]], [["named", "daily"], ["limit"]],
  [["source"], ["type", "url", "file"]], [["read"], ["from"]], [["any", "x", "y"], []], [["hosts", 0, "name"], []], [["constructor"], []],
])("a schema takes at %j the keys %j", (path, keys) => { expect(keysAt(schema, path)).toEqual(keys); });
