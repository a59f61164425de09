import { describe, expect, test } from "vitest";
import { dashboardJson } from "../../../../scripts/chart/grafana.ts";
import type { Panel } from "../../../../scripts/chart/panels.ts";

const panel = (changes: Partial<Panel> = {}): Panel => ({ title: "P", description: "D", kind: "timeseries", unit: "s", queries: [{ expr: "up", legend: "{{pod}}" }], ...changes });
interface Json { readonly panels: readonly { readonly id: number; readonly type: string; readonly gridPos: Readonly<Record<"x" | "y" | "w" | "h", number>>; readonly targets?: readonly object[] }[]; readonly templating: { readonly list: readonly { readonly name: string }[] } }
const json = (rows: readonly { title: string; panels: readonly Panel[] }[], variables = {}) => dashboardJson({ uid: "u", title: "T", rows, variables }) as Json;

describe("a dashboard", () => {
  test("lays rows out one below the other, two panels side by side", () => {
    const { panels } = json([{ title: "one", panels: [panel(), panel(), panel()] }, { title: "two", panels: [panel({ width: 24 })] }]);
    expect(panels.map(({ type, gridPos: { x, y, w, h } }) => [type, x, y, w, h])).toEqual([
      ["row", 0, 0, 24, 1], ["timeseries", 0, 1, 12, 8], ["timeseries", 12, 1, 12, 8], ["timeseries", 0, 9, 12, 8], ["row", 0, 17, 24, 1], ["timeseries", 0, 18, 24, 8],
    ]);
  });

  test("numbers every panel, no two alike", () => {
    const ids = json([{ title: "one", panels: [panel(), panel()] }, { title: "two", panels: [panel()] }]).panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(5);
  });

  test("asks a table for one moment, and a line for a range", () => {
    const [, line, table] = json([{ title: "one", panels: [panel(), panel({ kind: "table" })] }]).panels;
    expect(line?.targets).toEqual([expect.objectContaining({ refId: "A", expr: "up", instant: false, range: true })]);
    expect(table?.targets).toEqual([expect.objectContaining({ instant: true, range: false, format: "table" })]);
  });

  test("gives each query of a table a column with a name and a unit of its own", () => {
    const queries = [{ expr: "up", legend: "Up" }, { expr: "time()", legend: "Ends", unit: "dateTimeFromNow" as const }];
    const [, table] = json([{ title: "one", panels: [panel({ kind: "table", queries })] }]).panels;
    expect(table).toMatchObject({
      transformations: [{ id: "merge" }, { id: "organize" }],
      fieldConfig: { overrides: [
        { matcher: { id: "byName", options: "Value #A" }, properties: [{ id: "displayName", value: "Up" }] },
        { matcher: { id: "byName", options: "Value #B" }, properties: [{ id: "displayName", value: "Ends" }, { id: "unit", value: "dateTimeFromNow" }] },
      ] },
    });
  });

  test("lets its reader choose the data source, and what else it names", () => {
    expect(json([], { agent: "label_values(up, agent)" }).templating.list.map(({ name }) => name)).toEqual(["datasource", "agent"]);
  });

  test("is the same text for the same input", () => {
    const rows = [{ title: "one", panels: [panel()] }];
    expect(JSON.stringify(json(rows))).toBe(JSON.stringify(json(rows)));
  });
});
