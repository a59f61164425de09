import { spawn } from "node:child_process";
import { once } from "node:events";
import { readEnvironment, type Environment } from "../../common/config.ts";

/** How a command ended. `output` is standard output and error in the order of arrival, whole. */
export interface Ended {
  /** 0 only if the command said so; a command that was ended by a signal, by the deadline or never started has another. */
  readonly code: number;
  readonly output: string;
}

const NOT_STARTED = 127;
const ENDED_BY_SIGNAL = 128;
const EXIT_INTERRUPTED = 130;

/**
 * Runs a command in the checkout and collects what it prints.
 * @param deadlineMs after it the command and its children are killed
 * @param settings environment variables for this command alone
 */
export async function runCommand(argv: readonly [string, ...string[]], deadlineMs: number, settings: Environment = {}): Promise<Ended> {
  const [command, ...args] = argv;
  // Its own process group, so that the deadline ends what the command has started, too.
  const child = spawn(command, args, { cwd: new URL("../../", import.meta.url), env: { ...readEnvironment(), NO_COLOR: "1", ...settings }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const killGroup = () => { if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL"); };
  const onInterrupt = () => { killGroup(); process.exit(EXIT_INTERRUPTED); };
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  const timer = setTimeout(() => { chunks.push(Buffer.from(`\nnot done after ${deadlineMs / 1000} s: killed\n`)); killGroup(); }, deadlineMs);
  try {
    const [code] = await once(child, "close") as [number | null];
    return { code: code ?? ENDED_BY_SIGNAL, output: Buffer.concat(chunks).toString("utf8") };
  } catch (error) {
    return { code: NOT_STARTED, output: `${command}: ${(error as Error).message}\n` };
  } finally {
    clearTimeout(timer);
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}
