import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { readBundle, type Bundle } from "./bundle.ts";

/** From a source file of this folder, and from a program built into one file, the root is at most this far up. */
const LEVELS = 4;

/** Finds a file of the installation in this folder or one above it; null if it is not there. */
export function findUpwards(relativePath: string, from: string): string | null {
  let folder = from;
  for (let level = 0; level < LEVELS; level += 1) {
    const candidate = join(folder, relativePath);
    if (existsSync(candidate)) return candidate;
    folder = dirname(folder);
  }
  return null;
}

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
