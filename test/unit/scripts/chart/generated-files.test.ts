import { expect, test } from "vitest";
import { DASHBOARDS } from "../../../../scripts/chart/dashboards.ts";
import { generatedChartFiles } from "../../../../scripts/chart/generated-files.ts";

test("everything that repeats the code is written: values, their schema, the page, each dashboard", () => {
  expect([...generatedChartFiles().keys()]).toEqual(["values.yaml", "values.schema.json", "README.md", ...Object.keys(DASHBOARDS).map((name) => `files/dashboards/${name}`)]);
});

test("the same code writes the same text, and ends it with a line end", () => {
  expect(generatedChartFiles()).toEqual(generatedChartFiles());
  expect([...generatedChartFiles().values()].filter((text) => !/[^\n]\n$/.test(text))).toEqual([]);
});
