import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { allOf } from "./all-problems.ts";
import { writeBundle } from "./bundle.ts";
import { checkOwnRego, compileFolder, inWorkspace, NO_DATA } from "./compile-policy.ts";
import { likelyMistakes, namesOf, type PolicyNames } from "./likely-mistakes.ts";
import { obtainOpa, runOpa, type Opa } from "./opa.ts";
import { readFolderPacks, readPolicyFolder, readRego } from "./policy-folder.ts";
import type { FoundPack } from "./read-packs.ts";
import { readCoverage, type RegoCoverage } from "./rego-coverage.ts";

/** What an operator does with a policy folder. Rego needs `opa`, which these may build; data alone needs nothing. */
type Announce = (line: string) => void;

/** What a policy folder holds. */
export interface CheckedFolder {
  /** Those of packs included. */
  readonly entries: number;
  readonly regoFiles: number;
  /** Names of the packs that it takes up. */
  readonly packs: readonly string[];
  /** What is fit and most likely not meant. */
  readonly warnings: readonly string[];
  /** What its entries name of the configuration. */
  readonly names: PolicyNames;
}

/** Checks data, packs and Rego. @throws UserError with every problem */
export async function checkPolicyFolder(directory: string, environment: Environment, announce: Announce): Promise<CheckedFolder> {
  const [folder] = await allOf([() => readPolicyFolder(directory), () => checkFolderRego(directory, environment, announce)]);
  const { data, taken = [] } = folder;
  const packs = taken.length === 0 ? new Map<string, FoundPack>() : await readFolderPacks(directory);
  return {
    entries: data.hosts.length + data.addresses.length + data.names.hide.length, regoFiles: folder.rego.size, packs: folder.packs ?? [],
    warnings: likelyMistakes(data, taken, new Map([...packs].map(([name, { pack }]) => [name, pack]))), names: namesOf(data),
  };
}

/** Rego by itself: what is wrong with the data must not hide what is wrong with it. */
async function checkFolderRego(directory: string, environment: Environment, announce: Announce): Promise<void> {
  const rego = await readRego(directory);
  if (rego.size === 0) return;
  const opa = await obtainOpa(environment, announce);
  const sources = new Map([...rego].filter(([path]) => !path.endsWith("_test.rego")));
  await inWorkspace({ data: NO_DATA, rego }, opa, (workspace) => checkOwnRego(workspace, sources, opa));
}

/** Compiles a policy folder into a bundle. @param revision names it; without it, its content does @throws UserError with the compiler's messages */
export async function buildPolicy(directory: string, environment: Environment, announce: Announce, revision?: string): Promise<{ revision: string; packed: Buffer }> {
  const compiled = await compileFolder(await readPolicyFolder(directory), () => obtainOpa(environment, announce));
  const bundle = revision === undefined ? compiled : { ...compiled, revision };
  return { revision: bundle.revision, packed: await writeBundle(bundle) };
}

export interface RegoTests {
  readonly passed: boolean;
  readonly report: string;
  /** Only if it was asked for and every test passed. */
  readonly coverage?: RegoCoverage;
}

/** Runs the folder's `*_test.rego` with library and data; null if it has none. */
export async function runRegoTests(directory: string, options: { environment: Environment; announce: Announce; coverage?: boolean }): Promise<RegoTests | null> {
  const folder = await readPolicyFolder(directory);
  if (![...folder.rego.keys()].some((path) => path.endsWith("_test.rego"))) return null;
  const opa = await obtainOpa(options.environment, options.announce);
  return inWorkspace(folder, opa, async (workspace) => {
    const test = (...flags: readonly string[]) => runOpa(opa, ["test", ...flags, "--capabilities", workspace.capabilities, "library", "policy", "data"], { cwd: workspace.root });
    const run = await test();
    const told = { passed: run.exitCode === 0, report: `${run.stdout}${run.stderr}`.replaceAll("policy/", "") };
    return told.passed && options.coverage === true ? { ...told, coverage: readCoverage((await test("--coverage")).stdout, "policy/") } : told;
  });
}

/** Formats the Rego files of a folder, or says which are not formatted. @returns paths of the files that differ from their formatted text */
export async function formatPolicy(directory: string, options: { environment: Environment; announce: Announce; check: boolean }): Promise<string[]> {
  const { rego } = await readPolicyFolder(directory);
  if (rego.size === 0) return [];
  const opa = await obtainOpa(options.environment, options.announce);
  const changed: string[] = [];
  for (const [path, source] of rego) {
    const formatted = await format(join(directory, path), opa);
    if (formatted === source) continue;
    changed.push(path);
    if (!options.check) await writeFile(join(directory, path), formatted);
  }
  return changed;
}

async function format(path: string, opa: Opa): Promise<string> {
  const run = await runOpa(opa, ["fmt", path]);
  if (run.exitCode !== 0) throw new UserError(`${path} cannot be formatted\n${run.stderr.trim()}`, "Mend what `weir policy check` reports first.", EXIT.failure);
  return run.stdout;
}
