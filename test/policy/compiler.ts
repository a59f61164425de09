import { readEnvironment } from "../../common/config.ts";
import { findOpa, type Opa } from "../../proxy/policy/opa.ts";

const found = await findOpa(readEnvironment());
if (found === null) process.stderr.write("policy tests: no `opa` here (WEIR_OPA, PATH, tool cache); what needs the compiler is skipped, the rest runs on the bundle as checked in\n");

/** OPA for a test that compiles or evaluates with it. Without one the test is skipped; under CI the verification counts that as a failure if `opa` could be had. */
export function compiler({ skip }: { skip(note?: string): never }): Opa {
  if (found !== null) return found;
  return skip("no `opa` here");
}
