import { mkdirSync, writeFileSync } from "node:fs";
import { renderConfiguration } from "./docs/configuration.ts";

const TARGET = new URL("../docs/configuration.md", import.meta.url);

mkdirSync(new URL("./", TARGET), { recursive: true });
writeFileSync(TARGET, renderConfiguration());
