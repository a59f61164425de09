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
  readonly environment: Environment;
  /** Sets the program's exit code; the last call wins. */
  exitWith(code: number): void;
}

export function openIo(environment: Environment): Io {
  const wantsColors = (stream: NodeJS.WriteStream) => stream.isTTY && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  return {
    out: (line) => { process.stdout.write(`${line}\n`); },
    err: (line) => { process.stderr.write(`${line}\n`); },
    colors: pc.createColors(wantsColors(process.stdout)),
    errColors: pc.createColors(wantsColors(process.stderr)),
    isTerminal: process.stdout.isTTY,
    environment,
    exitWith: (code) => { process.exitCode = code; },
  };
}
