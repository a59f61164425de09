import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, copyFile, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "../common/config.ts";

/** Debian's own Python: the wheels are for its version, and a version manager's python3 may be any. */
export const PYTHON = "/usr/bin/python3";

/** Where the stock programs and libraries are. Nothing of them is changed, and none of their install scripts has run. */
export interface StockAgents {
  /** Native programs, as the packages ship them. */
  readonly claude: string;
  readonly codex: string;
  /** Gemini CLI is JavaScript: the file that Node runs. */
  readonly gemini: string;
  /** For NODE_PATH and PYTHONPATH. */
  readonly nodeModules: string;
  readonly pythonPackages: string;
}

const PINS = join(import.meta.dirname, "agents");
/** Everything that says what is installed; a change of one is another folder in the cache. */
const PIN_FILES = ["package.json", "package-lock.json", "requirements.txt"];
/** About 350 MB are fetched and 1 GB is written, once: half a minute on a fast line. */
const INSTALL_DEADLINE_MS = 900_000;

/** Of each platform, where its native programs are. */
const NATIVE: Readonly<Record<string, { readonly claude: string; readonly codex: string }>> = {
  "linux-x64": { claude: "@anthropic-ai/claude-code-linux-x64/claude", codex: "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex" },
  "linux-arm64": { claude: "@anthropic-ai/claude-code-linux-arm64/claude", codex: "@openai/codex-linux-arm64/vendor/aarch64-unknown-linux-musl/bin/codex" },
};

/** Finds the stock agents in the tool cache. @returns null if they are not there, all of them */
export async function findStockAgents(environment: Environment): Promise<StockAgents | null> {
  const native = NATIVE[`${process.platform}-${process.arch}`];
  if (native === undefined) return null;
  const folder = await cacheFolder(environment);
  const nodeModules = join(folder, "node_modules");
  const agents = {
    claude: join(nodeModules, native.claude), codex: join(nodeModules, native.codex), gemini: join(nodeModules, "@google/gemini-cli/bundle/gemini.js"),
    nodeModules, pythonPackages: join(folder, "python"),
  };
  const present = await Promise.all(Object.values(agents).map(async (path) => access(path).then(() => true, () => false)));
  return present.every(Boolean) ? agents : null;
}

/**
 * Like `findStockAgents`, and installs what tools/agents/ pins, with hashes, if they are not there.
 * @param announce is told before an installation starts
 * @throws Error if npm or pip refuses, or there is no build of an agent for this machine
 */
export async function obtainStockAgents(environment: Environment, announce: (line: string) => void): Promise<StockAgents> {
  const found = await findStockAgents(environment);
  if (found !== null) return found;
  const target = await cacheFolder(environment);
  announce(`installing the stock agents into ${target} (1 GB, once)`);
  await mkdir(join(target, ".."), { recursive: true });
  // Installed aside and moved: two runs at once must not see half of it.
  const aside = await mkdtemp(`${target}-`);
  const startedAtMs = Date.now();
  try {
    await install(aside, environment);
    announce(`installed in ${((Date.now() - startedAtMs) / 1_000).toFixed(0)} s`);
    await rename(aside, target).catch(() => {});
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  const installed = await findStockAgents(environment);
  if (installed === null) throw new Error(`the stock agents were installed, but not all are there for ${process.platform}-${process.arch}`);
  return installed;
}

async function install(folder: string, environment: Environment): Promise<void> {
  for (const name of PIN_FILES) await copyFile(join(PINS, name), join(folder, name));
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, environment);
  await run(PYTHON, ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary", ":all:", "--require-hashes",
    "--target", join(folder, "python"), "-r", join(folder, "requirements.txt")], folder, environment);
}

async function run(command: string, args: readonly string[], cwd: string, environment: Environment): Promise<void> {
  try {
    await promisify(execFile)(command, args, { cwd, env: environment, timeout: INSTALL_DEADLINE_MS, maxBuffer: 16 << 20 });
  } catch (error) {
    throw new Error(`the stock agents cannot be installed: ${command} says ${reasonOf(error)}`);
  }
}

/** One line: what the installers say besides is a page, and names where they fetch from. */
function reasonOf(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
  return stderr?.split("\n").find((line) => /error/i.test(line))?.trim() ?? message.split("\n", 1)[0] ?? "nothing";
}

async function cacheFolder(environment: Environment): Promise<string> {
  const cache = environment["XDG_CACHE_HOME"];
  const hash = createHash("sha256");
  for (const name of PIN_FILES) hash.update(await readFile(join(PINS, name)));
  const parent = join(cache !== undefined && cache !== "" ? cache : join(environment["HOME"] ?? homedir(), ".cache"), "weir", "tools");
  return join(parent, `stock-agents-${hash.digest("hex").slice(0, 12)}`);
}
