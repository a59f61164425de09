import { homedir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Environment } from "./config.ts";

/**
 * Where Weir's programs make their temporary folders. Not the folder that TMPDIR names: that one may lie in the home or the project,
 * where the agent of another run would find the token and the socket of this one. /tmp is every agent's own.
 */
export const TEMPORARY_PARENT = "/tmp";

/** The home as `~` means it: HOME, or the account's own if that is no absolute path. */
export function homeOf(environment: Environment): string {
  return absolute(environment["HOME"]) ?? homeOfAccount();
}

/** {@link homeOf} and the account's own: an agent with another HOME can still read what lies in this one. */
export function homesOf(environment: Environment): readonly string[] {
  return [...new Set([homeOf(environment), homeOfAccount()])];
}

/** Where state lies unless the configuration says otherwise. A relative XDG_STATE_HOME is ignored, as the XDG Base Directory Specification asks. */
export function defaultStateDirectory(environment: Environment): string {
  return join(absolute(environment["XDG_STATE_HOME"]) ?? stateOf(homeOf(environment)), "weir");
}

/** The default state directory and those of the other homes: whatever this run uses, keys of others may lie there. */
export function stateDirectories(environment: Environment): readonly string[] {
  return [...new Set([defaultStateDirectory(environment), ...homesOf(environment).map((home) => join(stateOf(home), "weir"))])];
}

/** Programs that Weir has built for itself and runs outside of the sandbox. */
export function toolDirectory(environment: Environment): string {
  return join(absolute(environment["XDG_CACHE_HOME"]) ?? join(homeOf(environment), ".cache"), "weir", "tools");
}

function stateOf(home: string): string {
  return join(home, ".local", "state");
}

function homeOfAccount(): string {
  try {
    return userInfo().homedir;
  } catch {
    // A container may run as a user that no file names.
    return homedir() || "/";
  }
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
