import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ReconcileProgram } from "./reconcile-program.ts";

const END_DEADLINE_MS = 20_000;
/** Ticks in which /proc counts processor time, per second (proc(5); 100 on every Linux of today). */
const TICKS_PER_SECOND = 100;

export interface Usage {
  readonly cpuMs: number;
  /** Memory in use, and the most that ever was, in bytes. */
  readonly rssBytes: number;
  readonly maxRssBytes: number;
}

/** A controller in a process of its own. */
export interface ReconcileProcess {
  /** It has opened the store and begins to fill its caches. Resolves also if it ended before. */
  readonly ready: Promise<void>;
  readonly isRunning: boolean;
  /** SIGKILL: nothing is finished, nothing is told. */
  kill(): Promise<void>;
  /** SIGTERM. */
  end(): Promise<void>;
  /** Of the running process, from /proc. */
  usage(): Usage;
}

/** @param onPod called with the milliseconds from signal to pod */
export function startReconcileProcess(folder: string, program: ReconcileProgram, onPod: (latencyMs: number) => void = () => undefined): ReconcileProcess {
  const file = join(folder, "reconcile.json");
  writeFileSync(file, JSON.stringify(program), { mode: 0o600 });
  const child = spawn(process.execPath, [join(import.meta.dirname, "reconcile-program.ts"), file], { stdio: ["ignore", "pipe", "inherit"], env: { PATH: "/usr/bin:/bin" } });
  const exited = once(child, "exit").then(() => undefined);
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line === "ready") resolve();
    else onPod(Number(line));
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
    usage: () => usageOf(child.pid ?? 0),
  };
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // utime and stime are the 12th and 13th field behind the name, which is in parentheses and may hold anything (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1_024;
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * (1_000 / TICKS_PER_SECOND), rssBytes: bytes("VmRSS"), maxRssBytes: bytes("VmHWM") };
}
