import { lstatSync, renameSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_CONFIG_FILE } from "./load-config.ts";

/**
 * A run without a `weir.yaml` in its folder could leave one there, and the next run would obey it. A file that does not exist cannot be
 * made read-only, so it is looked for when nothing of COMMAND runs any more.
 * @returns call it then: it moves such a file aside and gives its new path, or null if there is none
 */
export function watchForPlantedConfig(folder: string): () => string | null {
  const path = join(folder, DEFAULT_CONFIG_FILE);
  const isThere = () => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (isThere()) return () => null;
  return () => {
    if (!isThere()) return null;
    const aside = `${path}.from-agent`;
    renameSync(path, aside);
    return aside;
  };
}
