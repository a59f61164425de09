import { inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "../../../common/secret.ts";

const secret = new Secret("canary-7f3a");

test.each<[string, (value: Secret) => string]>([
  ["String()", (value) => String(value)],
  ["a template", (value) => `${value}`],
  ["JSON", (value) => JSON.stringify({ value })],
  ["inspect", (value) => inspect({ value }, { depth: 10, showHidden: true })],
  ["Object.entries", (value) => JSON.stringify(Object.entries(value))],
  ["an error message", (value) => new Error(`failed with ${String(value)}`).stack ?? ""],
  ["structuredClone", (value) => JSON.stringify(structuredClone({ ...value }))],
])("a secret does not show in %s", (_, print) => {
  expect(print(secret)).not.toContain("canary");
});

test("only reveal gives the value", () => {
  expect(secret.reveal()).toBe("canary-7f3a");
});
