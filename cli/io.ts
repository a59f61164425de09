import pc from "picocolors";
import type { Environment } from "../common/config.ts";

/** How a command speaks to its user: results to standard output, everything else to standard error. */
export interface Io {
  /** One line of the result. */
  out(line: string): void;
  /** One line of explanation, progress or error. */
  err(line: string): void;
  /** No-ops unless standard output is a terminal and NO_COLOR is unset (no-color.org). */
  readonly colors: ReturnType<typeof pc.createColors>;
  /** The same for standard error. */
  readonly errColors: ReturnType<typeof pc.createColors>;
  readonly isTerminal: boolean;
  /** Width of the terminal that reads the result; undefined where it is none, and lines may be as long as they are. */
  readonly columns?: number | undefined;
  readonly environment: Environment;
  /** Sets the program's exit code; the last call wins. */
  exitWith(code: number): void;
}

/** What a shell reports of a program that a closed pipe ended: 128 and the number of SIGPIPE, which Node ignores. */
const EXIT_OF_BROKEN_PIPE = 141;

/**
 * Ends the program quietly when nobody reads its results any more (`weir audit tail | head`). A command that has something to clean up ends as if it was
 * asked to; what it says to a standard error that is gone is lost.
 */
function endWithReader(stdout: NodeJS.WriteStream, stderr: NodeJS.WriteStream): void {
  let isEnding = false;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (isEnding) return;
    isEnding = true;
    if (process.listenerCount("SIGTERM") === 0) process.exit(EXIT_OF_BROKEN_PIPE);
    process.kill(process.pid, "SIGTERM");
  });
  stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

/** Standard output and error of this process, which ends when its results are no longer read. */
export function openIo(environment: Environment): Io {
  endWithReader(process.stdout, process.stderr);
  const wantsColors = (stream: NodeJS.WriteStream) => stream.isTTY && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  return {
    out: (line) => { process.stdout.write(`${line}\n`); },
    err: (line) => { process.stderr.write(`${line}\n`); },
    colors: pc.createColors(wantsColors(process.stdout)),
    errColors: pc.createColors(wantsColors(process.stderr)),
    isTerminal: process.stdout.isTTY,
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    environment,
    exitWith: (code) => { process.exitCode = code; },
  };
}
