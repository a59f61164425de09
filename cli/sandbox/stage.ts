/**
 * The outer stage of a sandbox: a program that `weir` starts as `unshare -Urn`, root in a user and network namespace of its own that
 * nothing but `lo` is in. In this order: rules, sidecar, COMMAND; so that COMMAND never runs without the other two having been ready.
 * It stays to keep the sidecar alive and to pass signals on, and ends everything when the control connection ends.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import { promisify } from "node:util";
import { describeError } from "../../common/lifecycle.ts";
import { BUBBLEWRAP_FD } from "./bubblewrap.ts";
import { closeInheritedFiles } from "./inherited-files.ts";
import { SidecarKeeper } from "./sidecar-keeper.ts";
import { CONTROL_FD, jsonLines, stageOrder, type StageEvent, type StageTask } from "./stage-protocol.ts";

const control = new Socket({ fd: CONTROL_FD, readable: true, writable: true });
const say = (event: StageEvent) => { control.write(`${JSON.stringify(event)}\n`); };

async function main(): Promise<void> {
  closeInheritedFiles(CONTROL_FD);
  // The terminal sends these to the whole group; only COMMAND is to act on them.
  for (const name of ["SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM"] as const) process.on(name, () => {});
  const task = Promise.withResolvers<StageTask>();
  const running = Promise.withResolvers<ChildProcess>();
  control.on("data", jsonLines((value) => {
    const order = stageOrder.parse(value);
    if (order.kind === "start") task.resolve(order);
    // A signal that comes early waits for COMMAND, as it would for a process that has not yet called exec.
    else void running.promise.then((sandbox) => { signalCommand(sandbox, order.name); });
  }));
  control.once("close", () => { process.kill(process.pid, "SIGKILL"); });
  control.once("error", task.reject);
  const given = await task.promise;
  await applyRules(given);
  const keeper = new SidecarKeeper(given.sidecar, say);
  await keeper.start();
  const stopping = new AbortController();
  const keeping = keeper.keep(stopping.signal);
  const sandbox = startSandboxed(given);
  running.resolve(sandbox);
  const exitCode = await untilEnded(sandbox);
  stopping.abort();
  await keeper.stop();
  await keeping;
  say({ kind: "ended", exitCode });
}

async function applyRules({ init: [program, ...args] }: StageTask): Promise<void> {
  try {
    await promisify(execFile)(program, args);
  } catch (error) {
    throw new Error((error as { stderr?: string }).stderr?.trim() || describeError(error), { cause: error });
  }
}

function startSandboxed(task: StageTask): ChildProcess {
  const [program, ...args] = task.sandbox;
  const stdio: ("inherit" | "pipe" | number)[] = ["inherit", "inherit", "inherit"];
  stdio[BUBBLEWRAP_FD.status] = "pipe";
  stdio[BUBBLEWRAP_FD.arguments] = openSync(task.argumentsFile, "r");
  stdio[BUBBLEWRAP_FD.seccomp] = openSync(task.seccompFile, "r");
  return spawn(program, args, { stdio });
}

/** bubblewrap's own exit codes look like those of COMMAND, so it is asked for both facts: that COMMAND started, and how it ended. */
async function untilEnded(sandbox: ChildProcess): Promise<number> {
  let exitCode: number | undefined;
  const status = sandbox.stdio[BUBBLEWRAP_FD.status] as Socket;
  status.on("data", jsonLines((value) => {
    const { "child-pid": pid, "exit-code": code } = value as { "child-pid"?: number; "exit-code"?: number };
    if (pid !== undefined) say({ kind: "command-started", pid });
    if (code !== undefined) exitCode = code;
  }));
  const [code, name] = await once(sandbox, "close") as [number | null, NodeJS.Signals | null];
  if (name !== null) return 128 + constants.signals[name];
  if (exitCode === undefined) throw new Error(`bubblewrap could not make the sandbox (exit code ${code}); its message is above`);
  return exitCode;
}

/** COMMAND is the first child of the first process in the sandbox; `env` before it has become it. */
function signalCommand(sandbox: ChildProcess, name: string): void {
  const signal = Object.hasOwn(constants.signals, name) ? (name as NodeJS.Signals) : undefined;
  const [first] = childrenOf(sandbox.pid ?? 0);
  const [command] = first === undefined ? [] : childrenOf(first);
  if (signal === undefined || command === undefined) return;
  try {
    process.kill(command, signal);
  } catch {
    // It has just ended.
  }
}

/** In the order in which they were started (proc(5), /proc/pid/task/tid/children). */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter((word) => word !== "").map(Number);
  } catch {
    return [];
  }
}

try {
  await main();
} catch (error) {
  say({ kind: "failed", detail: describeError(error) });
}
control.end(() => process.exit(0));
