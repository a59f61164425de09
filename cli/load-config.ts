import { existsSync } from "node:fs";
import { dirname, isAbsolute, resolve } from "node:path";
import { parseConfig, readConfigFile } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { mapPaths } from "./config-paths.ts";
import { weirConfig, type WeirConfig } from "./config.ts";

/** Taken from the working directory when no other is named. */
export const DEFAULT_CONFIG_FILE = "weir.yaml";

export interface LoadedConfig {
  readonly config: WeirConfig;
  /** Absolute path of the file, or null when there is none and the defaults hold (everything is denied). */
  readonly file: string | null;
}

/**
 * Reads the configuration of `weir`. Relative paths in the file are relative to the file, so that it means the same from everywhere.
 * @param named the value of `--config`; without it `./weir.yaml` if there is one
 * @param overrides values from the command line
 */
export function loadConfig(named: string | undefined, overrides: Record<string, unknown> = {}): LoadedConfig {
  const file = named ?? (existsSync(DEFAULT_CONFIG_FILE) ? DEFAULT_CONFIG_FILE : null);
  if (file === null) return { config: parseConfig(weirConfig, "(built-in defaults)", "{}", overrides), file: null };
  const path = resolve(file);
  const config = parseConfig(weirConfig, file, readConfigFile(path), overrides);
  return { config: withAbsolutePaths(config, dirname(path)), file: path };
}

function withAbsolutePaths(config: WeirConfig, base: string): WeirConfig {
  const { sandbox, ...rest } = mapPaths(config, (path) => absolute(path, base)) as WeirConfig;
  const inHomeOrBase = (path: string) => (path === "~" || path.startsWith("~/") ? path : absolute(path, base));
  const { hide } = sandbox;
  return { ...rest, sandbox: { ...sandbox, writable: sandbox.writable.map(inHomeOrBase), ...(hide === undefined ? {} : { hide: hide.map(inHomeOrBase) }) } };
}

function absolute(path: string, base: string): string {
  if (path.startsWith("~")) throw new UserError(`path ${path}: "~" is not expanded`, "Write the whole path, or one relative to the configuration file.", EXIT.config);
  return isAbsolute(path) ? path : resolve(base, path);
}
