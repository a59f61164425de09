import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { SYSTEM_FOLDERS } from "../../../cli/sandbox/system-folders.ts";

/** Of everything that the labs run: an unprivileged user's PATH often lacks `ip` and `nft`. */
export const LAB_ENVIRONMENT = { PATH: SYSTEM_FOLDERS, LANG: "C.UTF-8" };

const isRoot = process.getuid?.() === 0;

/** A network namespace that lives as long as the process that holds it. */
export interface Namespace {
  readonly name: string;
  readonly pid: number;
  /** Words to put before a command line, so that it runs inside. */
  readonly enter: readonly string[];
  /** Runs a command inside to its end. @returns what it printed @throws Error if it fails */
  run(command: string, ...args: string[]): string;
  close(): Promise<void>;
}

/**
 * Makes a namespace: with root's own rights if there are any, otherwise in a user namespace.
 * @param beside another one whose user namespace it shares, so that the two can be joined by a cable
 */
export async function openNamespace(name: string, beside?: Namespace): Promise<Namespace> {
  const before = beside === undefined ? [] : beside.enter;
  const holding = [...before, "unshare", beside === undefined && !isRoot ? "-Urn" : "-n", "--", "sh", "-c", "echo ready; exec sleep infinity"];
  const [program, ...args] = holding;
  const holder = spawn(program ?? "", args, { stdio: ["ignore", "pipe", "inherit"], env: LAB_ENVIRONMENT });
  await once(holder.stdout, "data");
  const pid = holder.pid ?? 0;
  const enter = isRoot ? ["nsenter", "-t", String(pid), "-n", "--"] : ["nsenter", "-t", String(pid), "-U", "--preserve-credentials", "-n", "--"];
  return { name, pid, enter, run: (command, ...words) => runInside(enter, [command, ...words]), close: async () => endProcess(holder) };
}

/** The words that enter the user and network namespace of a process of this user. */
export function enterProcess(pid: number): readonly string[] {
  return ["nsenter", "-t", String(pid), "-U", "--preserve-credentials", "-n", "--"];
}

export function runInside(enter: readonly string[], words: readonly string[]): string {
  const [program = "", ...args] = [...enter, ...words];
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: LAB_ENVIRONMENT, maxBuffer: 16 << 20 });
}

export async function endProcess(child: ChildProcess, name: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(name);
  await once(child, "exit");
}
