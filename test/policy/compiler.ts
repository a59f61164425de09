import { readEnvironment } from "../../common/config.ts";
import { findOpa, type Opa } from "../../proxy/policy/opa.ts";

const environment = readEnvironment();
const found = await findOpa(environment);
if (found === null) process.stderr.write("policy tests: no `opa` here (WEIR_OPA, PATH, tool cache); what needs the compiler is skipped, the rest runs on the bundle as checked in\n");

/** OPA for a test that compiles or evaluates with it. Without one the test is skipped; with CI set it fails, because skipped is not green. */
export function compiler({ skip }: { skip(note?: string): never }): Opa {
  if (found !== null) return found;
  if ((environment["CI"] ?? "") === "") return skip("no `opa` here");
  throw new Error("CI is set and there is no `opa`: run `node scripts/build-policy.ts` once, which builds it");
}
