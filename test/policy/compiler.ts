import { test } from "vitest";
import { readEnvironment } from "../../common/config.ts";
import { findOpa, type Opa } from "../../proxy/policy/opa.ts";

const environment = readEnvironment();
const found = await findOpa(environment);
if (found === null) process.stderr.write("policy tests: no `opa` here (WEIR_OPA, PATH, tool cache); what needs the compiler is skipped, the rest runs on the bundle as checked in\n");

/** A test that compiles or evaluates with OPA itself. Skipped where there is none; with CI set that is a failure, because skipped is not green. */
export function testWithOpa(name: string, body: (opa: Opa) => Promise<void>): void {
  if (found === null && (environment["CI"] ?? "") === "") test.skip(name);
  else test(name, async () => {
    if (found === null) throw new Error("CI is set and there is no `opa`: run `node scripts/build-policy.ts` once, which builds it");
    await body(found);
  });
}
