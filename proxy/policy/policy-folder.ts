import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { readConfig } from "../../common/config.ts";
import type { ConfigDocument } from "../../common/config-document.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { allOf } from "./all-problems.ts";
import { policyData, type PolicyData } from "./data.ts";
import { isPackFile, readPacks, readShippedPacks, withPacks, type FoundPack } from "./read-packs.ts";

const DATA_FILE_NAMES = ["data.yaml", "data.yml", "data.json"] as const;
/** Folder of packs of one's own, in the policy folder. */
export const OWN_PACKS = "packs";
/** The page that lists the keys of the data. */
const REFERENCE = "docs/policy.md, with every limit in docs/configuration.md (policy.data)";
const FILE_LIMIT_BYTES = 32 << 20;
const FILES_LIMIT = 1_000;
const DEPTH_LIMIT = 8;

/** What a user's policy folder holds. Links are followed: a mounted ConfigMap consists of them. */
export interface PolicyFolder {
  /** With the entries of the packs that it takes up. */
  readonly data: PolicyData;
  /** Names of the packs that it takes up, as often as it does; absent: none. */
  readonly packs?: readonly string[];
  /** How it takes them up; absent: none. */
  readonly taken?: PolicyData["packs"];
  /** Rego sources by path relative to the folder, in order of path. */
  readonly rego: ReadonlyMap<string, string>;
}

/**
 * Reads `data.yaml` (or `.yml`, `.json`; at most one), the packs in `packs/`, and every `*.rego`, tests included. Names that begin with a dot are left alone.
 * @throws UserError (ConfigError for the data, with every problem at once)
 */
export async function readPolicyFolder(directory: string): Promise<PolicyFolder> {
  const paths = await listPolicyFiles(directory);
  const dataFiles = paths.filter((path) => (DATA_FILE_NAMES as readonly string[]).includes(path));
  const regoFiles = paths.filter((path) => path.endsWith(".rego"));
  if (dataFiles.length > 1) throw new UserError(`${directory} holds ${dataFiles.join(" and ")}`, "Keep one of them.", EXIT.config);
  if (dataFiles.length + regoFiles.length === 0) {
    throw new UserError(`${directory} holds no policy: neither data.yaml nor a .rego file`,
      "Write a data.yaml (docs/policy.md); `weir init` in an empty folder writes one to begin with.", EXIT.config);
  }
  const [dataFile] = dataFiles;
  const place = join(directory, dataFile ?? "data.yaml");
  const own = await readOwnPacks(directory, paths);
  const { value: data, document } = await readData(place, dataFile === undefined ? "" : await readLimited(place), own);
  return {
    data: await withPacks(data, place, own, (problem) => document.placed(problem)),
    packs: data.packs.map(({ pack }) => pack),
    taken: data.packs,
    rego: await readAll(directory, regoFiles),
  };
}

/** @throws ConfigError for the data; what is wrong with packs of one's own is told with it, because the data hide it */
async function readData(place: string, text: string, own: ReadonlyMap<string, string>): Promise<{ readonly value: PolicyData; readonly document: ConfigDocument }> {
  try {
    return readConfig(policyData, { name: place, reference: REFERENCE }, text);
  } catch (error) {
    await allOf([() => Promise.reject(error as Error), () => readPacks(own)]);
    throw error;
  }
}

/** The Rego of a policy folder alone, by path: it can be checked whatever the data are. @throws UserError if the folder cannot be read */
export async function readRego(directory: string): Promise<PolicyFolder["rego"]> {
  return readAll(directory, (await listPolicyFiles(directory)).filter((path) => path.endsWith(".rego")));
}

/** The packs that come with Weir, and a policy folder's own if one is named. @throws UserError for a pack that is not fit */
export async function readFolderPacks(directory?: string): Promise<ReadonlyMap<string, FoundPack>> {
  if (directory === undefined) return readShippedPacks();
  return readPacks(await readOwnPacks(directory, await listPolicyFiles(directory)));
}

/** By their paths as messages show them. */
async function readOwnPacks(directory: string, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const read = await readAll(directory, paths.filter((path) => isPackFile(path) && dirname(path) === OWN_PACKS));
  return new Map([...read].map(([path, text]) => [join(directory, path), text]));
}

async function readAll(directory: string, paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return new Map(await Promise.all(paths.map(async (path) => [path, await readLimited(join(directory, path))] as const)));
}

/** Names the state of the files without reading them: another text means that something may have changed. */
export async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps = await Promise.all(paths.map(async (path) => {
    const info = await stat(path, { bigint: true }).catch(() => null);
    return info === null ? `${path} gone` : `${path} ${info.ino} ${info.size} ${info.mtimeNs}`;
  }));
  return stamps.join("\n");
}

/** Paths of the policy files, relative to the folder, sorted. @throws UserError if the folder cannot be read */
export async function listPolicyFiles(directory: string): Promise<string[]> {
  const found: string[] = [];
  try {
    await collect(directory, 0, (path) => {
      found.push(relative(directory, path));
      if (found.length > FILES_LIMIT) throw new Error(`more than ${FILES_LIMIT} policy files`);
    });
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new UserError(`cannot read the policy folder ${directory}: ${missing ? "no such folder" : (cause as Error).message}`,
      "Check the name, `policy.directory` of weir.yaml, or --policy. `weir init` in an empty folder writes a weir.yaml and a policy to begin with.", EXIT.config, { cause });
  }
  return found.sort();
}

async function collect(folder: string, depth: number, add: (path: string) => void): Promise<void> {
  if (depth > DEPTH_LIMIT) throw new Error(`${folder} is nested too deeply`);
  for (const name of await readdir(folder)) {
    if (name.startsWith(".")) continue;
    const path = join(folder, name);
    const info = await stat(path);
    if (info.isDirectory()) await collect(path, depth + 1, add);
    else if (info.isFile() && isPolicyFile(name, depth, basename(folder))) add(path);
  }
}

function isPolicyFile(name: string, depth: number, parent: string): boolean {
  if (name.endsWith(".rego")) return true;
  return depth === 0 ? (DATA_FILE_NAMES as readonly string[]).includes(name) : depth === 1 && parent === OWN_PACKS && isPackFile(name);
}

async function readLimited(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > FILE_LIMIT_BYTES) throw new UserError(`${path} is larger than ${FILE_LIMIT_BYTES} bytes`, "Split the policy.", EXIT.config);
  return readFile(path, "utf8");
}
