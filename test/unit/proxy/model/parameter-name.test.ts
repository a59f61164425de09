import { expect, test } from "vitest";
import { isParameterName } from "../../../../proxy/model/parameter-name.ts";

test.each(["page", "filter[name]", "$top", "X-Amz-Date"])("%s is the name of a parameter if it has a value, and a value itself if it has none", (key) => {
  expect(isParameterName(key, ["1"])).toBe(true);
  for (const values of [[], [""], ["="], ["", "=="]]) expect(isParameterName(key, values)).toBe(false);
});

test.each(["a b", "dG9r/ZW4", "{\"a\":1}", "x".repeat(49), ""])("%j is no name", (key) => {
  expect(isParameterName(key, ["1"])).toBe(false);
});
