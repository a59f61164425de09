import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** Packages that are files beside a program, which each image has or has not (scripts/images/contents.ts). */
const BESIDE = ["koffi", "@electric-sql/pglite"];

/** What of them a program loads as soon as it starts: without it, it does not. */
async function loadedAtStart(program: string): Promise<readonly string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT, entryPoints: [program], bundle: true, write: false, metafile: true, platform: "node", format: "esm", outdir: "dist", logLevel: "silent",
    external: [...BESIDE, "bufferutil", "utf-8-validate", "pg-native", "supports-color", "@kubernetes/client-node"],
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path));
  return BESIDE.filter((name) => imports.includes(name));
}

test("a program loads no package at its start that its image is without", { timeout: 60_000 }, async () => {
  expect(await loadedAtStart("proxy/serve.ts")).toEqual(["koffi"]);
  expect(await loadedAtStart("common/ledger/ledger-thread.ts"), "what is found where it is").toContain("@electric-sql/pglite");
});
