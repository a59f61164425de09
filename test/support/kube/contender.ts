import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface ContenderSettings {
  readonly kubeconfig: string;
  readonly identity: string;
  /** Where the Lease is, and what is written. */
  readonly namespace: string;
  readonly isFenced: boolean;
  /** Of the section `kube`. */
  readonly settings: object;
}

/** A write that the API server has confirmed. Times by the machine's monotonic clock, which all processes share. */
export interface ContenderWrite {
  readonly identity: string;
  readonly epoch: number;
  readonly beganNs: string;
  readonly endedNs: string;
}

export interface Contender {
  readonly identity: string;
  /** Confirmed to it so far. */
  readonly writes: readonly ContenderWrite[];
  /** SIGSTOP: it stands still, its connections stay. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM: it lets go of the Lease. */
  stop(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("contender-program.ts", import.meta.url));

export function startContender(settings: ContenderSettings): Contender {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", process.execPath, PROGRAM, JSON.stringify(settings)], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const writes: ContenderWrite[] = [];
  createInterface(child.stdout).on("line", (line) => { writes.push(JSON.parse(line) as ContenderWrite); });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill("SIGCONT");
    child.kill(signal);
    await exited;
  };
  return {
    identity: settings.identity, writes,
    freeze: () => { child.kill("SIGSTOP"); },
    thaw: () => { child.kill("SIGCONT"); },
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
    },
    stop: async () => end("SIGTERM"),
  };
}
