import { DASHBOARDS } from "./dashboards.ts";
import { dashboardJson } from "./grafana.ts";
import { renderChartReadme } from "./readme.ts";
import { valuesSchema } from "./value-tree.ts";
import { renderValuesFile } from "./values-file.ts";

/** The files of the chart that repeat what the code says, by path below the chart; test/structure fails while they differ. */
export function generatedChartFiles(): ReadonlyMap<string, string> {
  const dashboards = Object.entries(DASHBOARDS).map(([name, dashboard]) => [`files/dashboards/${name}`, asJson(dashboardJson(dashboard))] as const);
  return new Map([
    ["values.yaml", renderValuesFile()],
    ["values.schema.json", asJson(valuesSchema())],
    ["README.md", renderChartReadme()],
    ...dashboards,
  ]);
}

function asJson(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}
