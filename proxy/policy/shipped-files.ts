import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { findUpwards } from "../../common/shipped-files.ts";
import { readBundle, type Bundle } from "./bundle.ts";

export { findUpwards };

/** The library compiled, without data: what turns a `data.yaml` into a policy without a compiler. */
export async function readDefaultBundle(): Promise<Bundle> {
  return readBundle(await readFile(shippedPath("policies/dist/default.tar.gz")));
}

/** Folder of the library's Rego sources. */
export function librarySources(): string {
  return dirname(shippedPath("policies/exchange.rego"));
}

/** JSON Schema of the policy input, for `opa check --schema`. */
export function inputSchemaPath(): string {
  return shippedPath("policies/schemas/input.json");
}

function shippedPath(relativePath: string): string {
  const found = findUpwards(relativePath, import.meta.dirname);
  if (found === null) throw new UserError(`${relativePath} is missing from this installation`, "Install Weir again; in the checkout: `git checkout policies`.", EXIT.unavailable);
  return found;
}
