import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { UserError } from "../../common/exit-codes.ts";
import { NAMES } from "./directory.ts";

/** flock(2): exclusive, without waiting. The same values on Linux and macOS. */
const LOCK_EXCLUSIVE_NOW = 2 | 4;

const flock = koffi.load(null).func("int flock(int fd, int operation)") as (fd: number, operation: number) => number;

/**
 * Makes this process the one writer of a chain. The kernel holds the lock and drops it when the process ends in any way, so that a dead
 * writer never has to be guessed from a process id, and two that recover at once cannot both win.
 * @returns a function that gives the lock back
 * @throws UserError if another process writes this chain
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, NAMES.lock);
  const fd = openSync(path, "a+", 0o600);
  if (flock(fd, LOCK_EXCLUSIVE_NOW) !== 0) {
    closeSync(fd);
    throw new UserError(`the audit chain in ${directory} is already written by process ${readFileSync(path, "utf8").trim() || "(unknown)"}`,
      "Stop the other proxy, or give this one a folder of its own with `audit.directory`.");
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return () => { closeSync(fd); };
}
