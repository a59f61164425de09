import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../common/exit-codes.ts";
import { lockFile } from "../../common/file-lock.ts";
import { NAMES } from "./directory.ts";

/**
 * Makes this process the one writer of a chain. The kernel holds the lock and drops it when the process ends in any way, so that a dead
 * writer never has to be guessed from a process id, and two that recover at once cannot both win.
 * @returns a function that gives the lock back
 * @throws UserError if another process writes this chain
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, NAMES.lock);
  const unlock = lockFile(path);
  if (unlock === null) {
    throw new UserError(`the audit chain in ${directory} is already written by process ${readFileSync(path, "utf8").trim() || "(unknown)"}`,
      "Stop the other proxy, or give this one a folder of its own with `audit.directory`.");
  }
  writeFileSync(path, `${process.pid}\n`);
  return unlock;
}
