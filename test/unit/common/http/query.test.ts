import { expect, test } from "vitest";
import { decodeParameter, queryPairs } from "../../../../common/http/query.ts";

test("a query is split into its pairs, as they are written", () => {
  expect(queryPairs("a=1&b=x+y%2B&a=2=3&c&&=d")).toEqual([["a", "1"], ["b", "x+y%2B"], ["a", "2=3"], ["c", ""], ["", "d"]]);
  expect([queryPairs(null), queryPairs("")]).toEqual([[], []]);
});

test.each([["a+b", "a b", "a b"], ["x%2By", "x%2By", "x+y"], ["%C3%BC", "%C3%BC", "ü"], ["%zz+", "%zz ", null], ["%ff", "%ff", null], ["", "", ""]])("a parameter is decoded as forms are, %j, or said not to be", (text, spaced, decoded) => {
  expect(decodeParameter(text)).toEqual({ spaced, decoded });
});
