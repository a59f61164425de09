import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { descendantsOf } from "../process-tree.ts";

const POLL_MS = 50;
const GRACE_MS = 10_000;
const SHOWN_LOG_CHARACTERS = 4_000;

/** A server that a test runs. It ends with the test's process, even if that is killed. */
export interface ServerProcess {
  readonly pid: number;
  readonly logFile: string;
  /** Polls until `isUp` says true. @throws Error with the end of the log if the server ends first or `deadlineMs` pass */
  ready(isUp: () => Promise<boolean>, deadlineMs: number): Promise<void>;
  /** At once, as a crash would. */
  kill(): Promise<void>;
  /** Lets it finish, and kills it after 10 s. */
  end(): Promise<void>;
}

/**
 * @param logFile standard output and error are appended to it
 * @param within command line in front of it, e.g. of nsenter(1)
 */
export function startServer(command: string, args: readonly string[], logFile: string, within: readonly string[] = []): ServerProcess {
  const log = openSync(logFile, "a");
  // The kernel kills the server when this process is gone, however that went.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...within, command, ...args], { stdio: ["ignore", log, log], env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/nonexistent" } });
  closeSync(log);
  // A command that cannot be started has an exit code like one that ended, and `ready` tells it.
  child.on("error", () => {});
  const name = basename(command);
  return {
    pid: child.pid ?? 0,
    logFile,
    ready: async (isUp, deadlineMs) => ready(child, { name, logFile }, isUp, deadlineMs),
    kill: async () => end(child, "SIGKILL"),
    end: async () => end(child, "SIGTERM"),
  };
}

async function ready(child: ChildProcess, about: { name: string; logFile: string }, isUp: () => Promise<boolean>, deadlineMs: number): Promise<void> {
  const deadline = AbortSignal.timeout(deadlineMs);
  while (!await isUp().catch(() => false)) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || deadline.aborted) {
      await end(child, "SIGKILL");
      const log = await readFile(about.logFile, "utf8").catch(() => "");
      throw new Error(`${about.name} ${hasEnded ? `ended with ${child.exitCode}` : `was not ready after ${deadlineMs} ms`}\n${log.slice(-SHOWN_LOG_CHARACTERS)}`);
    }
    await pause(POLL_MS);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const { pid } = child;
  if (child.exitCode !== null || child.signalCode !== null || pid === undefined) return;
  const exited = once(child, "exit");
  signalAll(pid, signal);
  const patience = new AbortController();
  await Promise.race([exited, pause(GRACE_MS, undefined, { signal: patience.signal }).then(() => signalAll(pid, "SIGKILL"), () => {})]);
  patience.abort();
  await exited;
}

/** nsenter(1) and unshare(1) stay in front of what they start, and pass no signal on. */
function signalAll(pid: number, signal: NodeJS.Signals): void {
  for (const each of [...descendantsOf(pid).map((process) => process.pid), pid]) {
    try {
      process.kill(each, signal);
    } catch {
      // It is gone, which is what was asked for.
    }
  }
}
