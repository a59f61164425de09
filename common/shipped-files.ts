import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** From a source file two folders below the root, and from a program built into one file, the root is at most this far up. */
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
