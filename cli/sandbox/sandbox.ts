import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { describeError } from "../../common/lifecycle.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { agentVariables } from "./agent-variables.ts";
import { bubblewrapArguments, bubblewrapCommand, runtimeFolder } from "./bubblewrap.ts";
import { forwardSignals } from "./forward-signals.ts";
import { inspectHost } from "./host-paths.ts";
import { planMounts } from "./mount-plan.ts";
import { programCommand } from "./programs.ts";
import { openRunFolder, type RunFolder } from "./run-folder.ts";
import { seccompProgram } from "./seccomp.ts";
import { CONTROL_FD, jsonLines, stageEvent, type StageEvent, type StageTask } from "./stage-protocol.ts";
import { SYSTEM_FOLDERS } from "./system-folders.ts";

/** What `weir run` asks for. Paths are absolute; a path that does not exist is skipped where it is to be hidden or made read-only. */
export interface SandboxRequest {
  /** COMMAND and its arguments; at least one word, looked up in PATH of `environment`. */
  readonly command: readonly string[];
  /** Writable inside, except `/` (read-only) and `/tmp` itself (private and empty). */
  readonly cwd: string;
  /** Home of the agent; writable inside. */
  readonly home: string;
  /** The whole environment of COMMAND; names that point at the host's desktop or agents are removed from it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Unix socket on which the node proxy accepts tagged connections. */
  readonly proxySocket: string;
  /** File with the identity token; the sidecar reads it again whenever it changes. The agent never sees it. */
  readonly tokenFile: string;
  /** PEM file mounted over the system's trust bundles; undefined leaves them as they are. */
  readonly caBundleFile?: string;
  /** Files or folders that appear read-only at another place inside, such as trust stores; parents of `target` are made. */
  readonly mounts?: readonly { readonly source: string; readonly target: string }[];
  /** Do not exist for the agent: a folder is empty and private, a file is empty. Weir's own state and credentials belong here. */
  readonly hiddenPaths: readonly string[];
  /** Policy and configuration: readable, never writable, not even by moving a parent away. */
  readonly readOnlyPaths: readonly string[];
  /** Writable beside `cwd` and `home`. */
  readonly writablePaths: readonly string[];
  /** `private`: the agent's own sockets work and the host's are hidden. `deny`: no Unix socket can be made at all. */
  readonly unixSockets: "private" | "deny";
  /** `inherit`: terminal and pipes of this process. `pipe`: `stdin`, `stdout` and `stderr` of {@link Sandbox}. Default `inherit`. */
  readonly stdio?: "inherit" | "pipe";
  /** Told of the life of the parts; must not throw. */
  readonly onEvent?: (event: StageEvent) => void;
}

/** A running COMMAND. It ends with this process, whatever ends this process. */
export interface Sandbox {
  /** As a shell reports it: the code of COMMAND, 128 + n if signal n ended it, 126 or 127 if it could not be started. */
  readonly exited: Promise<number>;
  /** Sends a signal to COMMAND itself, not to what surrounds it. */
  signal(name: NodeJS.Signals): void;
  readonly stdin: NodeJS.WritableStream | null;
  readonly stdout: NodeJS.ReadableStream | null;
  readonly stderr: NodeJS.ReadableStream | null;
}

/**
 * Starts COMMAND so that nothing of it but what goes through the proxy socket can leave: own network namespace with the rules of `init`
 * and a sidecar, and around COMMAND a mount, user and process namespace. Signals to this process are passed on while it runs.
 * @param signal aborting it kills COMMAND at once
 * @throws UserError if the sandbox cannot be made; COMMAND has not run then
 */
export async function startSandbox(request: SandboxRequest, signal: AbortSignal): Promise<Sandbox> {
  const folder = openRunFolder();
  try {
    return await launch(request, folder, signal);
  } catch (error) {
    folder.remove();
    throw error;
  }
}

async function launch(request: SandboxRequest, folder: RunFolder, signal: AbortSignal): Promise<Sandbox> {
  const task = prepareTask(request, folder);
  const own = request.stdio === "pipe" ? "pipe" : "inherit";
  const [program, ...args] = programCommand("stage", []);
  const stage = spawn("unshare", ["-Urn", "--", program, ...args], {
    stdio: [own, own, own, "pipe"], cwd: "/", env: { PATH: SYSTEM_FOLDERS, LANG: "C.UTF-8" }, signal, killSignal: "SIGKILL",
  });
  const control = stage.stdio[CONTROL_FD] as Socket;
  const { started, exited } = follow(stage, control, request.onEvent ?? (() => {}));
  const send = (name: NodeJS.Signals) => { control.write(`${JSON.stringify({ kind: "signal", name })}\n`); };
  const stopForwarding = forwardSignals(send);
  void exited.catch(() => {}).finally(() => {
    stopForwarding();
    folder.remove();
  });
  control.write(`${JSON.stringify(task)}\n`);
  await started;
  return { exited, signal: send, stdin: stage.stdin, stdout: stage.stdout, stderr: stage.stderr };
}

function prepareTask(request: SandboxRequest, folder: RunFolder): StageTask {
  const uid = process.getuid?.() ?? 0;
  const host = inspectHost(request, folder);
  const environment = agentVariables(request.environment, runtimeFolder(uid));
  const options = { mounts: planMounts(host), emptyFile: folder.emptyFile, cwd: host.cwd, uid, gid: process.getgid?.() ?? 0, environment };
  const [program, args] = bubblewrapCommand(request.command);
  return {
    kind: "start",
    init: programCommand("init", ["--mode", "local"]),
    sidecar: programCommand("sidecar", ["--proxy", `unix:${request.proxySocket}`, "--token-file", request.tokenFile, "--ends-with-stdin"]),
    sandbox: [program, ...args],
    argumentsFile: folder.add("arguments", bubblewrapArguments(options).join("\0")),
    seccompFile: folder.add("seccomp", seccompProgram(process.arch, request.unixSockets)),
  };
}

/** Turns what the stage says into the two moments that matter. */
function follow(stage: ChildProcess, control: Socket, onEvent: (event: StageEvent) => void): { started: Promise<void>; exited: Promise<number> } {
  const started = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<number>();
  const fail = (detail: string, cause?: unknown) => {
    const error = new UserError(`the sandbox could not be made: ${detail}`, "Run `weir doctor`: it says what this machine lacks.", EXIT.unavailable, { cause });
    started.reject(error);
    exited.reject(error);
  };
  control.on("data", jsonLines((value) => {
    const event = stageEvent.parse(value);
    if (event.kind === "command-started") started.resolve();
    else if (event.kind === "failed") fail(event.detail);
    else if (event.kind === "ended") exited.resolve(event.exitCode);
    onEvent(event);
  }));
  control.on("error", () => {});
  stage.on("error", (error) => { fail(describeError(error), error); });
  stage.on("close", (code, name) => { fail(`its outer stage ended (${name ?? code})`); });
  // Whoever only waits for the start must not be hit by the other promise.
  exited.promise.catch(() => {});
  started.promise.catch(() => {});
  return { started: started.promise, exited: exited.promise };
}
