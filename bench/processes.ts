import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { availableParallelism } from "node:os";
import { setTimeout as wait } from "node:timers/promises";

/** The proxies have one core for themselves; driver and upstream share the other, so that neither takes from what is measured. */
export const CORES = availableParallelism() >= 2 ? { proxy: 0, load: 1 } : null;

const READY_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 5_000;
const POLL_MS = 25;
/** USER_HZ: the unit of /proc/PID/stat, fixed by the kernel's interface (proc(5)). */
const TICKS_PER_SECOND = 100;

/** Starts a program pinned to a core. Its output goes to the bench's standard error if it ends before it was told to. */
export function spawnPinned(core: "proxy" | "load", argv: readonly [string, ...string[]], stdio: StdioOptions = ["ignore", "pipe", "pipe"]): ChildProcess {
  const [command, ...args] = CORES === null ? argv : ["taskset", "-c", String(CORES[core]), ...argv] as const;
  const child = spawn(command, args, { stdio });
  const output: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => output.push(chunk));
  child.once("close", (code) => {
    if (code !== 0 && code !== null && !child.killed) process.stderr.write(`${argv.join(" ")}\nended with ${code}: ${Buffer.concat(output).toString("utf8")}\n`);
  });
  return child;
}

/** Resolves when something accepts connections there. */
export async function untilListening(at: number | string, child: ChildProcess): Promise<void> {
  const deadlineMs = performance.now() + READY_DEADLINE_MS;
  while (performance.now() < deadlineMs && child.exitCode === null) {
    if (await accepts(at)) return;
    await wait(POLL_MS);
  }
  throw new Error(`nothing listens on ${at}`);
}

async function accepts(at: number | string): Promise<boolean> {
  const socket = typeof at === "number" ? createConnection(at, "127.0.0.1") : createConnection(at);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "close");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
  await ended;
  clearTimeout(timer);
}

/** CPU time of a process with all its threads and children, dead children included, in microseconds; steps of 10 ms. */
export function cpuMicros(pid: number): number {
  const ticks = processTree(pid).reduce((sum, each) => sum + ticksOf(each), 0);
  return ticks * (1_000_000 / TICKS_PER_SECOND);
}

/** Resident memory of a process and its children, in MiB. */
export function residentMiB(pid: number): number {
  const kib = processTree(pid).map((each) => Number(/VmRSS:\s+(\d+) kB/.exec(readProc(each, "status"))?.[1] ?? 0));
  return kib.reduce((sum, each) => sum + each, 0) / 1024;
}

function processTree(pid: number): number[] {
  const children = readdirOrNone(`/proc/${pid}/task`).flatMap((task) => readProc(pid, `task/${task}/children`).split(" ").filter(Boolean).map(Number));
  return [pid, ...children.flatMap(processTree)];
}

/** utime, stime, cutime and cstime: fields 14 to 17, counted after the command's closing bracket (proc(5)). */
function ticksOf(pid: number): number {
  const stat = readProc(pid, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function readdirOrNone(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
