import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";
import { CORES } from "./processes.ts";

/** Without these a figure says nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly openssl: string;
  readonly commit: string;
  readonly isPinned: boolean;
  /** One minute's load average at the start: above about 1 the figures are disturbed. */
  readonly loadAverage: number;
  readonly startedAt: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), kernel: release(),
    node: process.version, openssl: process.versions.openssl, commit: commit(), isPinned: CORES !== null,
    loadAverage: Number((loadavg()[0] ?? 0).toFixed(2)), startedAt: new Date().toISOString(),
  };
}

function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty", "--abbrev=12"], { encoding: "utf8", cwd: import.meta.dirname, stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}
