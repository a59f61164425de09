import { expect, test } from "vitest";
import { outputFormat } from "../../../cli/output-format.ts";

test.each(["text", "json"])("%s is a format", (value) => {
  expect(outputFormat(value)).toBe(value);
});

test.each(["JSON", "yaml", ""])("%j is none, and the message names those that are", (value) => {
  expect(() => outputFormat(value)).toThrow(`it is "text" or "json", not "${value}".`);
});
