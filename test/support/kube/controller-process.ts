import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { usageOf, type ProcessUsage } from "../process-usage.ts";

const PROGRAM = join(import.meta.dirname, "../../../controller/serve.ts");
const END_DEADLINE_MS = 20_000;
const KEPT_LINES = 30;

export interface ControllerPorts {
  readonly api: number;
  readonly webhook: number;
}

/** The controller as its image runs it, in a process of its own. It ends with the test's process, even if that is killed. */
export interface ControllerProcess {
  readonly identity: string;
  /** It serves; leading is another matter. Resolves also when it has ended. */
  readonly ready: Promise<void>;
  /** Null until it serves. */
  readonly ports: ControllerPorts | null;
  readonly isRunning: boolean;
  readonly isFrozen: boolean;
  /** The end of its log. */
  readonly lines: readonly string[];
  /** SIGSTOP: it stands still, its connections stay. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL: nothing is finished, nothing is told. */
  kill(): Promise<void>;
  /** SIGTERM. */
  end(): Promise<void>;
  usage(): ProcessUsage;
}

/** @param folder where its configuration is written @param identity unique among the controllers of the cluster */
export function startControllerProcess(folder: string, identity: string, settings: Readonly<Record<string, unknown>>): ControllerProcess {
  const file = join(folder, `${identity}.yaml`);
  writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
  const child = spawn("setpriv", ["--pdeathsig", "KILL", process.execPath, PROGRAM, file], {
    stdio: ["ignore", "ignore", "pipe"], env: { PATH: "/usr/bin:/bin", WEIR_POD_NAME: identity },
  });
  const exited = once(child, "exit");
  const { promise: served, resolve } = Promise.withResolvers<void>();
  const lines: string[] = [];
  let ports: ControllerPorts | null = null;
  let isFrozen = false;
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    ports ??= portsIn(line);
    if (ports !== null) resolve();
  });
  const signal = (name: NodeJS.Signals) => { child.kill(name); };
  return {
    identity, lines,
    ready: Promise.race([served, exited]).then(() => undefined),
    get ports() { return ports; },
    get isRunning() { return isRunning(child); },
    get isFrozen() { return isFrozen; },
    freeze: () => { isFrozen = true; signal("SIGSTOP"); },
    thaw: () => { isFrozen = false; signal("SIGCONT"); },
    kill: async () => {
      signal("SIGKILL");
      await exited;
    },
    end: async () => {
      signal("SIGTERM");
      const timer = setTimeout(() => { signal("SIGKILL"); }, END_DEADLINE_MS);
      await exited;
      clearTimeout(timer);
    },
    usage: () => usageOf(child.pid ?? 0),
  };
}

const isRunning = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

/** @returns null if this is not the line in which it says that it listens */
function portsIn(line: string): ControllerPorts | null {
  if (!line.includes("controller.listening")) return null;
  const { api, webhook } = JSON.parse(line) as ControllerPorts;
  return { api, webhook };
}
