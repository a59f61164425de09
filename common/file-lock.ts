import { closeSync, openSync } from "node:fs";
import koffi from "koffi";

/** flock(2): exclusive, without waiting. The same values on Linux and macOS. */
const LOCK_EXCLUSIVE_NOW = 2 | 4;

const flock = koffi.load(null).func("int flock(int fd, int operation)") as (fd: number, operation: number) => number;

/**
 * Locks a file, which is made if it is missing, mode 0600. The kernel holds the lock and drops it when the process ends in any way, so that a dead
 * holder never has to be guessed from a process id.
 * @returns a function that gives the lock back; null if somebody has it, another descriptor of this process included
 */
export function lockFile(path: string): (() => void) | null {
  const fd = openSync(path, "a+", 0o600);
  if (flock(fd, LOCK_EXCLUSIVE_NOW) === 0) return () => { closeSync(fd); };
  closeSync(fd);
  return null;
}
