import { accessSync, constants, existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { DUMMY_FOLDER } from "../common/dummy-keys.ts";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { homeOf, homesOf, stateDirectories, toolDirectory } from "../common/own-folders.ts";
import { writeTrust } from "../common/trust.ts";
import type { Boundary } from "./boundary.ts";
import { DEFAULT_CONFIG_FILE, type LoadedConfig } from "./load-config.ts";
import { protectedPaths } from "./protected-paths.ts";
import { checkSandbox } from "./sandbox/check.ts";
import { CREDENTIAL_STORES, expandHome } from "./sandbox/credential-stores.ts";
import { forwardSignals } from "./sandbox/forward-signals.ts";
import type { Sandbox, SandboxRequest } from "./sandbox/sandbox.ts";
import { startSandbox } from "./sandbox/start.ts";

/** Where the trust bundles appear inside; the variables of the agent's environment name these paths. */
const TRUST_TARGET = "/run/weir/trust";

/** Weir's own code and the Node that runs it: an agent that works in the checkout must not write what the next run executes. */
const OWN_CODE = [...["bin", "dist", "node_modules", "policies", "package.json"].map((name) => join(import.meta.dirname, "..", name)), process.execPath];

/** The Node that `npm run` puts into PATH is in here. Laid over itself, so that it is there in a checkout below /tmp as well, which is private otherwise. */
const PACKAGES = join(import.meta.dirname, "..", "node_modules");

/** @throws UserError that names everything the machine lacks, each with the command that mends it */
export async function requireSandbox(): Promise<void> {
  const missing = (await checkSandbox()).filter((finding) => !finding.ok);
  if (missing.length === 0) return;
  const lines = missing.map((finding) => `  ${finding.name}: ${finding.detail}\n    mend: ${finding.fix}`);
  throw new UserError(`this machine cannot run the sandbox yet\n${lines.join("\n")}`, "`weir doctor` shows everything that was checked.", EXIT.unavailable);
}

export interface GovernedCommand {
  readonly boundary: Boundary;
  readonly loaded: LoadedConfig;
  readonly environment: Readonly<Record<string, string>>;
}

/** Runs COMMAND in the sandbox, behind the boundary. @returns its exit code as a shell reports it */
export async function runInSandbox(command: readonly string[], governed: GovernedCommand): Promise<number> {
  const stop = new AbortController();
  let sandbox: Sandbox | undefined;
  // COMMAND may run, and say so, before we hear that it does: a signal of that time waits for it.
  const early: NodeJS.Signals[] = [];
  const stopForwarding = forwardSignals((name) => {
    if (sandbox === undefined) early.push(name);
    else sandbox.signal(name);
  }, () => sandbox !== undefined);
  try {
    sandbox = await startSandbox(await requestOf(command, governed), stop.signal);
    for (const name of early) sandbox.signal(name);
    return await sandbox.exited;
  } finally {
    stopForwarding();
    stop.abort();
  }
}

function inPlace(path: string): { source: string; target: string }[] {
  return existsSync(path) ? [{ source: realpathSync(path), target: realpathSync(path) }] : [];
}

async function requestOf(command: readonly string[], { boundary, loaded, environment }: GovernedCommand): Promise<SandboxRequest> {
  const { sandbox, upstream } = loaded.config;
  const cwd = process.cwd();
  const trustDirectory = join(boundary.runDirectory, "trust");
  const trust = await writeTrust({ caPem: boundary.caPem, directory: trustDirectory, seenAt: TRUST_TARGET, extraCaFiles: upstream.extraCaFiles });
  const expand = (path: string) => homesOf(environment).map((home) => expandHome(path, home));
  const named = protectedPaths(loaded);
  const ownState = stateDirectories(environment);
  const tools = toolDirectory(environment);
  for (const path of [...ownState, tools]) makeIfPermitted(path);
  return {
    command, home: homeOf(environment), cwd, environment: { ...environment, ...trust.environment, PATH: searchablePath(environment["PATH"] ?? "") },
    proxySocket: boundary.socketPath, tokenFile: boundary.tokenFile,
    caBundleFile: trust.bundleFile, mounts: [{ source: trustDirectory, target: TRUST_TARGET }, ...dummyMount(boundary), ...inPlace(PACKAGES)],
    hiddenPaths: (sandbox.hide ?? CREDENTIAL_STORES).flatMap(expand),
    hiddenOwnPaths: [...boundary.hiddenPaths, ...named.hidden, ...ownState],
    readOnlyPaths: [...named.readOnly, ...OWN_CODE, tools, join(cwd, DEFAULT_CONFIG_FILE)],
    writablePaths: sandbox.writable.map((path) => expandHome(path, homeOf(environment))),
    unixSockets: sandbox.unixSockets,
  };
}

/** The files that variables of the agent's environment name; the agent reads them. */
function dummyMount({ dummyFiles, runDirectory }: Boundary): { source: string; target: string }[] {
  const files = Object.entries(dummyFiles);
  if (files.length === 0) return [];
  const source = join(runDirectory, "dummies");
  mkdirSync(source);
  for (const [name, text] of files) writeFileSync(join(source, name), text, { mode: 0o644 });
  return [{ source, target: DUMMY_FOLDER }];
}

/** What does not exist cannot be covered, and the agent could make it. Where the user may not make it the agent may not either. */
function makeIfPermitted(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    // See above.
  }
}

/** Less the folders that this user may not enter: with one of those, a COMMAND that exists nowhere would end with 126 and not with 127. */
function searchablePath(path: string): string {
  return path.split(delimiter).filter((folder) => {
    try {
      accessSync(folder === "" ? "." : folder, constants.X_OK);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== "EACCES";
    }
  }).join(delimiter);
}
