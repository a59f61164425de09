import { expect, test } from "vitest";
import { filesUnder, linesMatching, PRODUCT } from "./repository.ts";

/** Spelt apart, so that this file is not found by itself. */
const READ = new RegExp(["process", "env"].join(String.raw`(\?)?\.`) + String.raw`\b|import\s*\{[^}]*\benv\b[^}]*\}\s*from "node:process"`);

test("the process environment is read in one place, so that every setting is in the schema", () => {
  const folders = [...PRODUCT, "scripts", "bench", "demo", "test", "tools"];
  const readers = linesMatching(folders.flatMap((folder) => filesUnder(folder, ".ts")), READ).map((line) => line.split(":")[0]);
  expect([...new Set(readers)]).toEqual(["common/config.ts"]);
});
