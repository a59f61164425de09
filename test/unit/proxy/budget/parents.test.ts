import { expect, test } from "vitest";
import { budgetConfig } from "../../../../proxy/budget/config.ts";
import { parentProblems } from "../../../../proxy/budget/parents.ts";

const usd = (parent?: string) => ({ meter: "usd" as const, ...(parent === undefined ? {} : { parent }) });

test("parents of the same meter, one above the other, are no problem", () => {
  expect(parentProblems(new Map(Object.entries({ org: usd(), team: usd("org"), app: usd("team") })))).toEqual(new Map());
});

test("unknown parents, parents of other meters and circles are told, all at once", () => {
  const budgets = { lost: usd("nobody"), odd: { meter: "requests" as const, parent: "org" }, org: usd(), one: usd("two"), two: usd("one"), self: usd("self"), below: usd("one") };
  expect(parentProblems(new Map(Object.entries(budgets)))).toEqual(new Map([
    ["lost", "the parent nobody does not exist"], ["odd", "counts requests, its parent org counts usd"],
    ["one", "is its own ancestor, by way of two"], ["two", "is its own ancestor, by way of one"], ["self", "is its own ancestor, by way of self"],
  ]));
});

test("the configuration names each by its path", () => {
  const named = { lost: { meter: "usd", limit: 1, parent: "nobody" }, self: { meter: "usd", limit: 1, parent: "self" } };
  expect(budgetConfig.safeParse({ named }).error?.issues.map(({ path }) => path.join("."))).toEqual(["named.lost.parent", "named.self.parent"]);
});
