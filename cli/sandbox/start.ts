import { spawn, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { describeError } from "../../common/lifecycle.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { agentVariables } from "./agent-variables.ts";
import { BUBBLEWRAP_WORD_LIMIT, bubblewrapArguments, bubblewrapCommand, runtimeFolder } from "./bubblewrap.ts";
import { inspectHost } from "./host-paths.ts";
import { planMounts } from "./mount-plan.ts";
import { programCommand } from "./programs.ts";
import { openRunFolder, type RunFolder } from "./run-folder.ts";
import type { Sandbox, SandboxRequest } from "./sandbox.ts";
import { seccompProgram } from "./seccomp.ts";
import { CONTROL_FD, jsonLines, stageEvent, type StageEvent, type StageTask } from "./stage-protocol.ts";
import { SYSTEM_FOLDERS } from "./system-folders.ts";

/**
 * Starts COMMAND so that nothing of it but what goes through the proxy socket can leave: own network namespace with the rules of `init`
 * and a sidecar, and around COMMAND a mount, user and process namespace.
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
  void exited.catch(() => {}).finally(() => { folder.remove(); });
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
  const inner = bubblewrapArguments(options);
  refuseTooManyWords(args.length + inner.length);
  return {
    kind: "start",
    init: programCommand("init", ["--mode", "local"]),
    sidecar: programCommand("sidecar", ["--proxy", `unix:${request.proxySocket}`, "--token-file", request.tokenFile, "--ends-with-stdin"]),
    sandbox: [program, ...args],
    argumentsFile: folder.add("arguments", inner.join("\0")),
    seccompFile: folder.add("seccomp", seccompProgram(process.arch, request.unixSockets)),
  };
}

/** bubblewrap would end with a message that names neither the cause nor the cure. */
function refuseTooManyWords(count: number): void {
  if (count <= BUBBLEWRAP_WORD_LIMIT) return;
  throw new UserError(`COMMAND and its environment have too many words: the sandbox takes ${BUBBLEWRAP_WORD_LIMIT}, three for each variable, and this would be ${count}`,
    "Pass long lists in a file, or through xargs inside of the sandbox.", EXIT.config);
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
