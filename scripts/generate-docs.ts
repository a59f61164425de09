import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { generatedApiFiles } from "./docs/api.ts";
import { renderConfiguration, renderControllerConfiguration } from "./docs/configuration.ts";
import { renderCrds } from "./docs/crds.ts";
import { withErrorTable } from "./docs/error-rows.ts";
import { renderBuiltins } from "./docs/policy-builtins.ts";
import { renderRecipes } from "./docs/recipes.ts";
import { generatedChartFiles } from "./chart/generated-files.ts";

/** Writes what the documents repeat of the code; test/structure fails while they differ. */
const ARCHITECTURE = new URL("../ARCHITECTURE.md", import.meta.url);
const CRDS = new URL("../charts/weir/files/crds/", import.meta.url);
const CONFIGURATION = new URL("../docs/configuration.md", import.meta.url);
const CHART = new URL("../charts/weir/", import.meta.url);

writeFileSync(ARCHITECTURE, withErrorTable(readFileSync(ARCHITECTURE, "utf8")));
mkdirSync(new URL("./", CONFIGURATION), { recursive: true });
writeFileSync(CONFIGURATION, renderConfiguration());
writeFileSync(new URL("controller-configuration.md", CONFIGURATION), renderControllerConfiguration());
writeFileSync(new URL("credentials-recipes.md", CONFIGURATION), renderRecipes());
writeFileSync(new URL("policy-builtins.md", CONFIGURATION), renderBuiltins());
mkdirSync(CRDS, { recursive: true });
for (const [name, text] of renderCrds()) writeFileSync(new URL(name, CRDS), text);
for (const [path, text] of generatedChartFiles()) writeFileSync(new URL(path, CHART), text);
const ROOT = new URL("../", import.meta.url);
for (const [path, text] of generatedApiFiles()) {
  mkdirSync(new URL("./", new URL(path, ROOT)), { recursive: true });
  writeFileSync(new URL(path, ROOT), text);
}
