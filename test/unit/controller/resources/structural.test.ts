import { expect, test } from "vitest";
import * as z from "zod";
import { ANY_FIELDS, LIST_SET, listMap, NAME_RULE, rules } from "../../../../controller/resources/structural.ts";

test("what a field says to the API server stands beside it in its schema, and changes nothing here", () => {
  const field = z.string().meta(rules(["self != 'a'", "not a"], ["self == oldSelf", "fixed"]));
  expect(field.parse("a")).toBe("a");
  expect(z.toJSONSchema(field)).toMatchObject({ type: "string", "x-kubernetes-validations": [{ rule: "self != 'a'", message: "not a" }, { rule: "self == oldSelf", message: "fixed" }] });
});

test("lists say how their elements are told apart", () => {
  expect(z.toJSONSchema(z.array(z.object({ name: z.string() })).meta(listMap("name")))).toMatchObject({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });
  expect(z.toJSONSchema(z.array(z.string()).meta(LIST_SET))).toMatchObject({ "x-kubernetes-list-type": "set" });
  expect(z.toJSONSchema(z.record(z.string(), z.json()).meta(ANY_FIELDS))).toMatchObject({ "x-kubernetes-preserve-unknown-fields": true });
});

test("names have no dot, so that `namespace.name` and `agent.container` can be read one way only", () => {
  const [, pattern = ""] = /matches\('(.*)'\)/.exec(NAME_RULE.rule) ?? [];
  expect(["coder", "a-1", "x"].every((name) => new RegExp(pattern).test(name))).toBe(true);
  expect(["a.b", "-a", "a-", "A", ""].some((name) => new RegExp(pattern).test(name))).toBe(false);
});
