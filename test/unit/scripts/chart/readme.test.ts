import { expect, test } from "vitest";
import { renderChartReadme } from "../../../../scripts/chart/readme.ts";
import { valueTree, type ValueNode } from "../../../../scripts/chart/value-tree.ts";

const leaves = (nodes: readonly ValueNode[], prefix = ""): string[] => nodes.flatMap(({ name, children }) => (children.length === 0 ? [`${prefix}${name}`] : leaves(children, `${prefix}${name}.`)));
const rows = renderChartReadme().split("\n").filter((line) => line.startsWith("| `"));

test("the chart's page has one row for each value, in their order", () => {
  expect(rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1])).toEqual(leaves(valueTree()));
});

test("a row has three cells, whatever its text says", () => {
  expect(rows.filter((row) => row.replaceAll("\\|", "").split("|").length !== 5)).toEqual([]);
});
