import { writeFileSync } from "node:fs";
import { renderChartReadme } from "./chart/readme.ts";
import { valuesSchema } from "./chart/value-tree.ts";
import { renderValuesFile } from "./chart/values-file.ts";

const CHART = new URL("../charts/weir/", import.meta.url);

/** The files of the chart that repeat what the code says, by path below the chart; test/structure fails while they differ. */
export function generatedChartFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["values.yaml", renderValuesFile()],
    ["values.schema.json", `${JSON.stringify(valuesSchema(), null, 1)}\n`],
    ["README.md", renderChartReadme()],
  ]);
}

if (import.meta.main) {
  for (const [path, text] of generatedChartFiles()) writeFileSync(new URL(path, CHART), text);
}
