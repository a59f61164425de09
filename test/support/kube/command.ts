import { execFile } from "node:child_process";
import { promisify } from "node:util";

export interface CommandOptions {
  readonly stdin?: string;
  /** Default 150 s: longer than what kubectl itself is told to wait. */
  readonly deadlineMs?: number;
  readonly environment?: Readonly<Record<string, string>>;
}

const DEADLINE_MS = 150_000;
const OUTPUT_LIMIT_BYTES = 64 << 20;

/** Runs a command to its end. @returns its standard output @throws Error with the command and its standard error if it does not exit 0 */
export async function run([program = "", ...args]: readonly string[], options: CommandOptions = {}): Promise<string> {
  const running = promisify(execFile)(program, args, {
    timeout: options.deadlineMs ?? DEADLINE_MS, maxBuffer: OUTPUT_LIMIT_BYTES, ...(options.environment === undefined ? {} : { env: options.environment }),
  });
  // A command that reads nothing may be gone before its input is written.
  running.child.stdin?.on("error", () => {}).end(options.stdin ?? "");
  const { stdout } = await running.catch((error: Error & { stderr?: string; code?: unknown }) => {
    throw new Error(`${program} ${args.join(" ")} ended with ${String(error.code)}: ${error.stderr ?? ""}`, { cause: error });
  });
  return stdout;
}
