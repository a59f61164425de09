import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ReconcileProgram } from "./reconcile-program.ts";

const END_DEADLINE_MS = 20_000;

/** A controller in a process of its own. */
export interface ReconcileProcess {
  /** It has opened the store and begins to fill its caches. Resolves also if it ended before. */
  readonly ready: Promise<void>;
  readonly isRunning: boolean;
  /** SIGKILL: nothing is finished, nothing is told. */
  kill(): Promise<void>;
  /** SIGTERM. */
  end(): Promise<void>;
}

export function startReconcileProcess(folder: string, program: ReconcileProgram): ReconcileProcess {
  const file = join(folder, "reconcile.json");
  writeFileSync(file, JSON.stringify(program), { mode: 0o600 });
  const command = [process.execPath, join(import.meta.dirname, "reconcile-program.ts"), file];
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...command], { stdio: ["ignore", "pipe", "inherit"], env: { PATH: "/usr/bin:/bin" } });
  const exited = once(child, "exit").then(() => undefined);
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line === "ready") resolve();
  });
  return {
    ready: Promise.race([ready, exited]),
    get isRunning() { return isRunning(child); },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    end: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => { child.kill("SIGKILL"); }, END_DEADLINE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;
