import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { writeBundle } from "./bundle.ts";
import { checkRego, compileFolder, inWorkspace } from "./compile-policy.ts";
import { obtainOpa, runOpa, type Opa } from "./opa.ts";
import { readPolicyFolder } from "./policy-folder.ts";

/** What an operator does with a policy folder. Rego needs `opa`, which these may build; data alone needs nothing. */
type Announce = (line: string) => void;

/** Checks data and Rego. @throws UserError with every problem */
export async function checkPolicyFolder(directory: string, environment: Environment, announce: Announce): Promise<{ entries: number; regoFiles: number }> {
  const folder = await readPolicyFolder(directory);
  if (folder.rego.size > 0) {
    const opa = await obtainOpa(environment, announce);
    await inWorkspace(folder, opa, (workspace) => checkRego(workspace, opa));
  }
  return { entries: folder.data.hosts.length + folder.data.addresses.length + folder.data.names.hide.length, regoFiles: folder.rego.size };
}

/** Compiles a policy folder into a bundle. @throws UserError with the compiler's messages */
export async function buildPolicy(directory: string, environment: Environment, announce: Announce): Promise<{ revision: string; packed: Buffer }> {
  const bundle = await compileFolder(await readPolicyFolder(directory), () => obtainOpa(environment, announce));
  return { revision: bundle.revision, packed: await writeBundle(bundle) };
}

/** Runs the folder's `*_test.rego` with library and data; null if it has none. */
export async function runRegoTests(directory: string, environment: Environment, announce: Announce): Promise<{ passed: boolean; report: string } | null> {
  const folder = await readPolicyFolder(directory);
  if (![...folder.rego.keys()].some((path) => path.endsWith("_test.rego"))) return null;
  const opa = await obtainOpa(environment, announce);
  return inWorkspace(folder, opa, async (workspace) => {
    const run = await runOpa(opa, ["test", "--capabilities", workspace.capabilities, "library", "policy", "data"], { cwd: workspace.root });
    return { passed: run.exitCode === 0, report: `${run.stdout}${run.stderr}`.replaceAll("policy/", "") };
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
