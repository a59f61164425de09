import { describe, expect, test } from "vitest";
import { DASHBOARDS } from "../../../../scripts/chart/dashboards.ts";

const panels = Object.entries(DASHBOARDS).flatMap(([file, { rows }]) => rows.flatMap((row) => row.panels.map((panel) => [`${file}: ${panel.title}`, panel] as const)));

describe("the dashboards", () => {
  test("have uids of their own, by which links survive an import", () => {
    const uids = Object.values(DASHBOARDS).map(({ uid }) => uid);
    expect(new Set(uids).size).toBe(uids.length);
  });

  test.each(panels)("%s: says what to conclude, and asks something", (_name, { description, queries }) => {
    expect(description).toMatch(/\.$/);
    expect(queries.length).toBeGreaterThan(0);
  });

  test.each(panels)("%s: every query is balanced, and counters are asked for a rate or an increase", (_name, { queries }) => {
    for (const { expr } of queries) {
      for (const [open, close] of ["()", "{}", "[]"]) expect(expr.split(open as string).length, expr).toBe(expr.split(close as string).length);
      for (const [counter] of expr.matchAll(/weir_\w+_(total|bucket)/g)) expect(expr, counter).toMatch(new RegExp(`(rate|increase)\\(${counter}`));
    }
  });
});
