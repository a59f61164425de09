import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { renderConfiguration } from "./docs/configuration.ts";
import { withErrorTable } from "./docs/error-rows.ts";

/** Writes what the documents repeat of the code; test/structure fails while they differ. */
const ARCHITECTURE = new URL("../ARCHITECTURE.md", import.meta.url);
const CONFIGURATION = new URL("../docs/configuration.md", import.meta.url);

writeFileSync(ARCHITECTURE, withErrorTable(readFileSync(ARCHITECTURE, "utf8")));
mkdirSync(new URL("./", CONFIGURATION), { recursive: true });
writeFileSync(CONFIGURATION, renderConfiguration());
