import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { exists, filesUnder, importsOf, PRODUCT, read, withoutComments } from "./repository.ts";

/** Constants and one-liners that everything uses: a test of their own could only repeat them. */
const SELF_EVIDENT = ["common/clock.ts", "common/exit-codes.ts", "common/ports.ts", "common/unreachable.ts", "proxy/model/usage.ts", "common/version.ts",
  "common/labels.ts", "common/kube/kube-api.ts", "common/kube/resource-types.ts", "controller/threads/thread-store.ts"];

const sources = PRODUCT.flatMap((folder) => filesUnder(folder, ".ts"));
const TEST_FOLDERS = ["unit", "contract", "policy", "integration", "adversarial", "netns", "cluster"].map((tier) => `test/${tier}`);

/** Types, interfaces and what is handed on from elsewhere leave nothing to run. */
function hasSomethingToRun(path: string): boolean {
  return /^export (async function|function|const|let|class|abstract class|\{(?![^}]*\} from)|\*)/m.test(withoutComments(read(path)));
}

/** A schema is read by the documentation generator and by every test that starts a program; its defaults are in docs/configuration.md. Resources become CRDs, which the cluster tier tries. */
function isSchema(path: string): boolean {
  if (/^controller\/resources\/(meta|agent|thread|egress-policy|credential-grant|budget)\.ts$/.test(path)) return true;
  return path.endsWith("/config.ts") && path !== "common/config.ts";
}

describe("tests mirror the source", () => {
  test("a unit test file has the name and place of the file that it tests", () => {
    const orphans = filesUnder("test/unit", ".test.ts").filter((path) => {
      const source = path.replace(/^test\/unit\//, "").replace(/\.test\.ts$/, "");
      return !exists(`${source}.ts`) && !exists(`${source}.mjs`);
    });
    expect(orphans).toEqual([]);
  });

  test("every source file with something to run is named by a test, or is a part of a neighbour that is", () => {
    const tests = [...TEST_FOLDERS.flatMap((folder) => filesUnder(folder, ".ts")), ...filesUnder("test/support", ".ts"), ...filesUnder("test/proofs", ".ts")];
    const text = tests.map(read).join("\n");
    const tested = new Set(tests.flatMap(importsOf).map(({ to }) => to));
    for (const path of sources) if (text.includes(path)) tested.add(path);
    // An imported file outside the folder must speak for itself; inside or below, it is how its neighbour does the work.
    for (const path of tested) {
      for (const { to, isTypeOnly } of exists(path) && path.endsWith(".ts") ? importsOf(path) : []) {
        if (!isTypeOnly && `${to}/`.startsWith(`${dirname(path)}/`)) tested.add(to);
      }
    }
    const untested = sources.filter((path) => hasSomethingToRun(path) && !isSchema(path) && !SELF_EVIDENT.includes(path) && !tested.has(path));
    expect(untested).toEqual([]);
  });

  test("every test file is in a folder of a tier, so that it runs", () => {
    const tiers = [...TEST_FOLDERS, "test/structure"];
    const lost = filesUnder("test", ".test.ts").filter((path) => !tiers.some((tier) => path.startsWith(`${tier}/`)));
    expect(lost).toEqual([]);
  });
});
