import { mapPaths } from "./config-paths.ts";
import type { LoadedConfig } from "./load-config.ts";

export interface ProtectedPaths {
  /** Do not exist for the agent: they hold secrets, or what was recorded of it. */
  readonly hidden: readonly string[];
  /** The agent may read them; whoever could write them would decide what it may do. */
  readonly readOnly: readonly string[];
}

/** A credential's file is a `path`; the others say by their name that they hold a secret. */
const SECRET_KEY = /(^path|[kK]eyFile|[tT]okenFile|[sS]ecretFile|[pP]asswordFile)$/;
const OWN_RECORDS = new Set(["stateDirectory", "witnessDirectory", "socketPath"]);

/** Every path that the configuration names, and the configuration itself. A setting that is added later is read-only at least. */
export function protectedPaths({ config, file }: LoadedConfig): ProtectedPaths {
  const hidden: string[] = [];
  const readOnly: string[] = file === null ? [] : [file];
  mapPaths({ ...config, audit: { ...config.audit, directory: undefined } }, (path, key) => {
    (SECRET_KEY.test(key) || OWN_RECORDS.has(key) ? hidden : readOnly).push(path);
    return path;
  });
  if (config.audit.directory !== undefined) hidden.push(config.audit.directory);
  return { hidden, readOnly };
}
