import { readFileSync } from "node:fs";

/** Ticks in which /proc counts processor time, per second (proc(5); 100 on every Linux of today). */
const TICKS_PER_SECOND = 100;

export interface ProcessUsage {
  readonly cpuMs: number;
  /** Memory in use, and the most that ever was, in bytes. */
  readonly rssBytes: number;
  readonly maxRssBytes: number;
}

/** Of a running process of this machine. @throws Error if there is none */
export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // utime and stime are the 12th and 13th field behind the name, which is in parentheses and may hold anything (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1_024;
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * (1_000 / TICKS_PER_SECOND), rssBytes: bytes("VmRSS"), maxRssBytes: bytes("VmHWM") };
}
