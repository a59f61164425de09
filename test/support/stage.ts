import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { readEnvironment } from "../../common/config.ts";
import { mintAuthority, type TestAuthority } from "./tls-authority.ts";

/** The built command line, as a user runs it. */
export const WEIR = join(import.meta.dirname, "..", "..", "bin", "weir.mjs");

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** The command is killed after this long; default 60 s. */
  readonly deadlineMs?: number;
}

/** Runs a command to its end and collects what it prints. Never rejects for an exit code. */
export async function runCommand(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = spawn(command, args, { cwd: options.cwd, env: { ...readEnvironment(), ...options.env }, stdio: ["pipe", "pipe", "pipe"] });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout.on("data", (chunk: Buffer) => { chunks.stdout.push(chunk); });
  child.stderr.on("data", (chunk: Buffer) => { chunks.stderr.push(chunk); });
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const timer = setTimeout(() => { child.kill("SIGKILL"); }, options.deadlineMs ?? 60_000);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("close", (code) => { resolve(code); });
  const code = await promise.finally(() => { clearTimeout(timer); });
  return { code, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}

/** A folder with a `weir.yaml`, a policy and credentials, and the CA of the destinations that it leads to. */
export interface Stage {
  readonly directory: string;
  readonly authority: TestAuthority;
  readonly configFile: string;
  readonly auditDirectory: string;
  /** Makes `https://NAME:PORT` lead to a server on loopback. Takes effect for the runs that follow. */
  route(name: string, port: number, dialPort: number): void;
  /** Writes a secret with mode 0600 and returns its path. */
  secretFile(name: string, value: string): string;
  /** Writes `weir.yaml` and `policy/data.yaml`. `config` is merged over what the stage sets itself. */
  configure(config: Record<string, unknown>, policyData: Record<string, unknown>): void;
  /** `weir ARGS…` */
  weir(args: readonly string[], options?: RunOptions): Promise<Finished>;
  /** `weir run --config … -- COMMAND…`, in the work folder. */
  run(command: readonly string[], options?: RunOptions): Promise<Finished>;
  remove(): void;
}

export async function buildStage(): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), "weir-stage-"));
  const authority = await mintAuthority("Destinations of the tests");
  const path = (...parts: string[]) => join(directory, ...parts);
  for (const folder of ["policy", "secrets", "work", "state"]) mkdirSync(path(folder), { mode: 0o700 });
  writeFileSync(path("destinations-ca.pem"), authority.caPem);
  const routes: { name: string; port: number; address: string; dialPort: number }[] = [];
  const configFile = path("weir.yaml");
  const weir = async (args: readonly string[], options: RunOptions = {}) => runCommand(process.execPath, [WEIR, ...args], { cwd: path("work"), ...options });
  return {
    directory, authority, configFile, auditDirectory: path("audit"), weir,
    route: (name, port, dialPort) => { routes.push({ name, port, address: "127.0.0.1", dialPort }); },
    secretFile: (name, value) => {
      writeFileSync(path("secrets", name), value, { mode: 0o600 });
      return path("secrets", name);
    },
    configure: (config, policyData) => {
      writeFileSync(path("policy", "data.yaml"), stringify(policyData));
      writeFileSync(configFile, stringify({
        stateDirectory: path("state"), policy: { directory: "policy" }, audit: { directory: path("audit") },
        upstream: { routes, extraCaFiles: [path("destinations-ca.pem")] }, ...config,
      }));
    },
    run: async (command, options) => weir(["run", "--config", configFile, "--", ...command], options),
    remove: () => { rmSync(directory, { recursive: true, force: true }); },
  };
}
