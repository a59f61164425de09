import { expect, test } from "vitest";
import * as z from "zod";
import { accepted, describeIssues, refused } from "../../../../controller/boundary/verdict.ts";

test("a verdict accepts with a value, or refuses with a reason", () => {
  expect(accepted(7)).toEqual({ isAccepted: true, value: 7 });
  expect(refused("Invalid", "no")).toEqual({ isAccepted: false, reason: "Invalid", message: "no" });
});

test("the first five problems of a schema are told in one line, each with its place", () => {
  const { error } = z.strictObject({ a: z.string(), list: z.array(z.int()) }).safeParse({ a: 1, list: ["x", "x", "x", "x", "x"], more: 1 });
  const text = describeIssues(error as z.ZodError);
  expect(text.split("; ")).toHaveLength(5);
  expect(text).toMatch(/^a: .*; list\.0: /);
  expect(describeIssues(z.string().safeParse(1).error as z.ZodError)).not.toContain(":  ");
});
