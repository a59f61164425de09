import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { describeError } from "../../common/lifecycle.ts";
import type { StageEvent } from "./stage-protocol.ts";

/** First and longest pause before a dead sidecar is started again, in milliseconds. Meanwhile every connection is refused by the kernel. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
/** One that lived this long was healthy: the next pause is the first one again. */
const HEALTHY_AFTER_MS = 10_000;
const READY_DEADLINE_MS = 10_000;

/** Keeps one sidecar running until the signal, and says when each starts and ends. */
export class SidecarKeeper {
  readonly #commandLine: readonly [string, ...string[]];
  readonly #say: (event: StageEvent) => void;
  #child: ChildProcess | undefined;

  constructor(commandLine: readonly [string, ...string[]], say: (event: StageEvent) => void) {
    this.#commandLine = commandLine;
    this.#say = say;
  }

  /** Resolves when it listens. @throws Error with its last words if it ends first */
  async start(): Promise<void> {
    const [program, ...args] = this.#commandLine;
    // A session of its own: Ctrl-C and Ctrl-Z are for COMMAND. Standard input is the rope: it ends when this process does.
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"], detached: true });
    this.#child = child;
    await untilReady(child);
    this.#say({ kind: "sidecar-started", pid: child.pid ?? 0 });
  }

  /** Starts it again whenever it ends. */
  async keep(signal: AbortSignal): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const startedAtMs = performance.now();
      const detail = await ended(this.#child, signal);
      if (signal.aborted) return;
      this.#say({ kind: "sidecar-ended", detail });
      if (performance.now() - startedAtMs > HEALTHY_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      await wait(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      if (!signal.aborted) await this.start().catch((error: unknown) => { this.#say({ kind: "sidecar-ended", detail: describeError(error) }); });
    }
  }

  /** Ends it at once: what it relayed belonged to a COMMAND that has ended. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

async function untilReady(child: ChildProcess): Promise<void> {
  const lines: string[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const deadline = setTimeout(() => { reject(new Error("the sidecar did not start in time")); }, READY_DEADLINE_MS);
  child.stderr?.on("data", (chunk: Buffer) => {
    lines.push(chunk.toString());
    if (lines.join("").includes('"sidecar.ready"')) resolve();
    // Read on, so that it never blocks; kept is only what may explain a failed start.
    if (lines.length > 20) lines.shift();
  });
  child.once("error", reject);
  child.once("exit", (code, name) => { reject(new Error(`the sidecar ended (${name ?? code}): ${lines.join("").trim()}`)); });
  await promise.finally(() => { clearTimeout(deadline); });
}

async function ended(child: ChildProcess | undefined, signal: AbortSignal): Promise<string> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return "ended";
  try {
    const [code, name] = await once(child, "exit", { signal }) as [number | null, string | null];
    return name ?? `exit code ${code}`;
  } catch {
    return "stopped";
  }
}
