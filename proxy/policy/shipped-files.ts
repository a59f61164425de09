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

/** True if this is the library that comes with Weir, and nothing else. An installation without it can still run a bundle of somebody's own. */
export async function isShippedLibrary(wasm: Uint8Array): Promise<boolean> {
  const shipped = await readDefaultBundle().catch(() => null);
  return shipped !== null && Buffer.compare(shipped.wasm, wasm) === 0;
}

/** Folder of the library's Rego sources. */
export function librarySources(): string {
  return dirname(shippedPath("policies/exchange.rego"));
}

/** JSON Schema of the policy input, for `opa check --schema`. */
export function inputSchemaPath(): string {
  return shippedPath("policies/schemas/input.json");
}

/** Folder of the packs that come with Weir. */
export function packFolder(): string {
  return dirname(shippedPath("policies/packs/github.yaml"));
}

function shippedPath(relativePath: string): string {
  const found = findUpwards(relativePath, import.meta.dirname);
  if (found === null) throw new UserError(`${relativePath} is missing from this installation`, "Install Weir again; in the checkout: `git checkout policies`.", EXIT.unavailable);
  return found;
}
