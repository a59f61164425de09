import { expect, test } from "vitest";
import * as z from "zod";
import { firstProblem } from "../../../../proxy/model/problem.ts";

test("a problem is one line: where, and what", () => {
  const schema = z.strictObject({ a: z.strictObject({ b: z.int() }) });
  expect(firstProblem(schema.safeParse({ a: { b: "1" } }).error as z.ZodError)).toMatch(/^a\.b: [^\n]+$/);
  expect(firstProblem(schema.safeParse(1).error as z.ZodError)).not.toMatch(/^:/);
});
