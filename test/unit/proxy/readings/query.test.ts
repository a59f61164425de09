import { expect, test } from "vitest";
import { strictQuery } from "../../../../proxy/readings/query.ts";

test("a query is read pair by pair, decoded as forms are", () => {
  expect(strictQuery("a=1&b=x+y%2B&a=2&c&&=d")).toEqual([["a", "1"], ["b", "x y+"], ["a", "2"], ["c", ""], ["", "d"]]);
  expect(strictQuery(null)).toEqual([]);
});

test.each(["a=%", "%zz=1", "a=%ff"])("an escape that is none is refused: %s", (query) => {
  expect(() => strictQuery(query)).toThrow(expect.objectContaining({ code: "request.malformed" }));
});
