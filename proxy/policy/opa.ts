import { execFile, type ChildProcess } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { setInterval } from "node:timers/promises";
import { promisify } from "node:util";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { toolDirectory } from "../../common/own-folders.ts";
import { findUpwards } from "./shipped-files.ts";

/** The compiler that this repository is built and tested with; the same as in tools/go.mod. */
export const OPA_VERSION = "1.22.0";
/** Older compilers accept bundles whose signature was side-stepped (GHSA-g2pf-6v5v-qcc8). */
const OLDEST_OPA = [1, 21, 3] as const;

const COMMAND_DEADLINE_MS = 120_000;
const BUILD_DEADLINE_MS = 1_200_000;
const OUTPUT_LIMIT_BYTES = 64 << 20;
const WAYS = "Set WEIR_OPA to an `opa` of 1.21.3 or newer, put one on PATH, or install Go: `weir policy build DIR` then builds it once. A folder with data.yaml alone needs none.";

/** OPA's command-line tool, found and fit. */
export interface Opa {
  readonly path: string;
  readonly version: string;
}

/**
 * Finds `opa`: WEIR_OPA, PATH, the tool cache.
 * @returns null if there is none that is new enough
 * @throws UserError if WEIR_OPA names something that is not a fit `opa`
 */
export async function findOpa(environment: Environment): Promise<Opa | null> {
  const named = environment["WEIR_OPA"];
  if (named !== undefined && named !== "") {
    const opa = await fitOpa(named);
    if (opa === null) throw new UserError(`WEIR_OPA: ${named} is not an \`opa\` of ${OLDEST_OPA.join(".")} or newer`, WAYS, EXIT.unavailable);
    return opa;
  }
  const onPath = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "").map((folder) => join(folder, "opa"));
  for (const candidate of [...onPath, cachedOpa(environment)]) {
    const opa = await fitOpa(candidate);
    if (opa !== null) return opa;
  }
  return null;
}

/** Like `findOpa`. @throws UserError naming the ways to get it */
export async function requireOpa(environment: Environment): Promise<Opa> {
  const opa = await findOpa(environment);
  if (opa === null) throw new UserError("Rego has to be compiled, and there is no `opa`", WAYS, EXIT.unavailable);
  return opa;
}

/** Like `findOpa`, and builds the pinned version with Go into the cache as the last resort; that takes minutes, once. */
export async function obtainOpa(environment: Environment, announce: (line: string) => void): Promise<Opa> {
  const found = await findOpa(environment);
  if (found !== null) return found;
  const tools = findUpwards("tools/go.mod", import.meta.dirname);
  if (tools === null) return requireOpa(environment);
  const target = cachedOpa(environment);
  announce(`building opa ${OPA_VERSION} with Go into ${target} (once, a few minutes)`);
  await mkdir(join(target, ".."), { recursive: true });
  try {
    await promisify(execFile)("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", target, "github.com/open-policy-agent/opa"],
      { cwd: join(tools, ".."), env: { ...environment, CGO_ENABLED: "0" }, timeout: BUILD_DEADLINE_MS, maxBuffer: OUTPUT_LIMIT_BYTES });
  } catch (cause) {
    throw new UserError("there is no `opa`, and Go could not build it", WAYS, EXIT.unavailable, { cause });
  }
  return requireOpa(environment);
}

/** What a run of `opa` said. */
export interface OpaRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunLimits {
  readonly cwd?: string;
  /** Default two minutes. */
  readonly deadlineMs?: number;
  /** Of resident memory, in bytes; for text that somebody else wrote. Looked at every so often: a guard against what only grows. */
  readonly memoryLimitBytes?: number;
}

/** Runs `opa` to its end; a failing exit code is an answer, not an error. @throws Error if it cannot be run, takes too long or too much memory */
export async function runOpa(opa: Opa, args: readonly string[], limits: RunLimits = {}): Promise<OpaRun> {
  const { cwd, deadlineMs = COMMAND_DEADLINE_MS, memoryLimitBytes } = limits;
  const ended = new AbortController();
  const environment = { HOME: homedir(), ...(memoryLimitBytes === undefined ? {} : { GOMEMLIMIT: String(memoryLimitBytes) }) };
  // Asked to end, it ends in good order: with exit code 0 and half of what it had to say.
  const options = { timeout: deadlineMs, killSignal: "SIGKILL" as const, maxBuffer: OUTPUT_LIMIT_BYTES, env: environment, ...(cwd === undefined ? {} : { cwd }) };
  const running = promisify(execFile)(opa.path, args, options);
  const guard = memoryLimitBytes === undefined ? Promise.resolve(false) : killAbove(running.child, memoryLimitBytes, ended.signal);
  try {
    const { stdout, stderr } = await running;
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { code, killed, stdout = "", stderr = "" } = error as { code?: unknown; killed?: boolean; stdout?: string; stderr?: string };
    if (typeof code === "number") return { exitCode: code, stdout, stderr };
    ended.abort();
    if (await guard) throw new Error(`opa ${args[0]} takes more than ${memoryLimitBytes} bytes of memory`, { cause: error });
    if (killed === true) throw new Error(`opa ${args[0]} takes more than ${deadlineMs} ms`, { cause: error });
    throw new Error(`${opa.path} could not be run`, { cause: error });
  } finally {
    ended.abort();
  }
}

const MEMORY_LOOK_MS = 50;

/** @returns true if the process was killed for its memory; false when the signal says that it has ended, or where the system does not tell */
async function killAbove(child: ChildProcess, limitBytes: number, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const _ of setInterval(MEMORY_LOOK_MS, undefined, { signal })) {
      const [, residentKib = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${child.pid}/status`, "utf8")) ?? [];
      if (Number(residentKib) * 1_024 > limitBytes) return child.kill("SIGKILL");
    }
    return false;
  } catch {
    return false;
  }
}

function cachedOpa(environment: Environment): string {
  return join(toolDirectory(environment), `opa-v${OPA_VERSION}`);
}

async function fitOpa(path: string): Promise<Opa | null> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await runOpa({ path, version: "unknown" }, ["version"]);
    const version = /^Version:\s*(\d+\.\d+\.\d+)/m.exec(stdout)?.[1];
    return version !== undefined && isFit(version) ? { path, version } : null;
  } catch {
    return null;
  }
}

/** True for OPA without the known hole in its bundle verification. */
export function isFit(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, floor] of OLDEST_OPA.entries()) {
    const part = parts[index] ?? 0;
    if (part !== floor) return part > floor;
  }
  return true;
}
