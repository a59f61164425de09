import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../common/config.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { describeError } from "../common/lifecycle.ts";
import { defaultStateDirectory } from "../common/own-folders.ts";
import type { WeirConfig } from "./config.ts";

/** Where one machine keeps the CA, the issuer key and the audit chains. Hidden from every agent (cli/boundary.ts). @throws UserError if it cannot be made */
export function stateDirectory(config: WeirConfig, environment: Environment): string {
  const path = config.stateDirectory ?? defaultStateDirectory(environment);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(`the state directory ${path} cannot be made: ${describeError(error)}`,
      "Name one that you may write: `stateDirectory:` in weir.yaml, or XDG_STATE_HOME.", EXIT.config, { cause: error });
  }
  return path;
}

/** Parent of the audit chains of this machine: one folder for `weir up`, one for each `weir run`, so that two at once never share a chain. */
export function auditRoot(config: WeirConfig, environment: Environment): string {
  return config.audit.directory ?? join(stateDirectory(config, environment), "audit");
}

/** A folder of its own for each run, unless the configuration names one: then runs share that chain, one at a time. */
export function auditDirectoryOfRun(config: WeirConfig, environment: Environment, startedAtMs: number, pid: number): string {
  const name = new Date(startedAtMs).toISOString().replaceAll(/[-:]/g, "").replace(/\.\d+Z$/, "Z");
  return config.audit.directory ?? join(auditRoot(config, environment), `run-${name}-${pid}`);
}
