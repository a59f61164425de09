import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const OUTPUT_LIMIT_BYTES = 4 << 20;

/** Runs a program to its end in the network namespace behind a file. */
export type Enter = (namespaceFile: string, command: readonly string[], signal: AbortSignal) => Promise<string>;

/**
 * By nsenter(1), so that this process itself stays where it is. The program sees the files of this one, and none of the pod's.
 * @param timeoutMs for each, in milliseconds
 * @returns what the program printed @throws Error with the program's own words if it fails, or if it takes too long
 */
export function enterBy(timeoutMs: number): Enter {
  return async (namespaceFile, command, signal) => {
    try {
      const { stdout } = await run("nsenter", [`--net=${namespaceFile}`, "--", ...command], { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_LIMIT_BYTES, signal });
      return stdout;
    } catch (error) {
      signal.throwIfAborted();
      const { killed = false, stderr = "", message } = error as Error & { readonly killed?: boolean; readonly stderr?: string };
      const words = stderr.trim() === "" ? message : stderr.trim();
      throw new Error(killed ? `${command[0] ?? ""} took longer than ${timeoutMs} ms` : words, { cause: error });
    }
  };
}
