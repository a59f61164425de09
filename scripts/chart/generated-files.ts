import { renderChartReadme } from "./readme.ts";
import { valuesSchema } from "./value-tree.ts";
import { renderValuesFile } from "./values-file.ts";

/** The files of the chart that repeat what the code says, by path below the chart; test/structure fails while they differ. */
export function generatedChartFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["values.yaml", renderValuesFile()],
    ["values.schema.json", `${JSON.stringify(valuesSchema(), null, 1)}\n`],
    ["README.md", renderChartReadme()],
  ]);
}
