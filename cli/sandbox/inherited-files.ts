import { closeSync, readdirSync, readFileSync } from "node:fs";

const O_CLOEXEC = 0o2000000;

/**
 * Closes what the caller's shell left open beside standard input, output and error: a folder or a socket among it would be a way out that
 * no mount covers. Node marks its own files close-on-exec, so that those without the mark are inherited (proc(5), /proc/self/fdinfo).
 * @param keep the highest descriptor that belongs here
 */
export function closeInheritedFiles(keep: number): void {
  for (const fd of readdirSync("/proc/self/fd").map(Number)) {
    if (fd <= keep) continue;
    try {
      const flags = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").match(/^flags:\s*([0-7]+)/m)?.[1] ?? "0";
      if ((Number.parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(fd);
    } catch {
      // It was the folder being listed, or has been closed meanwhile.
    }
  }
}
