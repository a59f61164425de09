import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { TEMPORARY_PARENT } from "../../common/own-folders.ts";
import { contentRevision, readBundle, type Bundle } from "./bundle.ts";
import { pinnedCapabilities } from "./capabilities.ts";
import { compileData } from "./compile-data.ts";
import { ENTRY_POINTS } from "./entry-points.ts";
import { runOpa, type Opa, type OpaRun } from "./opa.ts";
import { listPolicyFiles, type PolicyFolder } from "./policy-folder.ts";
import { inputSchemaPath, librarySources, readDefaultBundle } from "./shipped-files.ts";

/**
 * Compiles a policy folder. Data alone needs no compiler: it goes with the library as it was built. Rego beside it is compiled together
 * with the library, checked against the input's schema, by the `opa` that `obtain` gives.
 * @throws UserError with the compiler's messages, which name file and line
 */
export async function compileFolder(folder: PolicyFolder, obtain: () => Promise<Opa>): Promise<Bundle> {
  const data = compileData(folder.data);
  const sources = new Map([...folder.rego].filter(([path]) => !path.endsWith("_test.rego")));
  const { wasm } = sources.size === 0 ? await readDefaultBundle() : await compileRego(sources, await obtain());
  return { wasm, data, revision: contentRevision(wasm, data) };
}

/** The library without anybody's data: what `policies/dist/default.tar.gz` is built from. */
export async function compileLibrary(opa: Opa): Promise<Bundle> {
  const { wasm } = await compileRego(new Map(), opa);
  return { wasm, data: {}, revision: contentRevision(wasm, {}) };
}

/**
 * Lays library, the user's Rego (tests included) and compiled data out in a folder of their own, for `opa build`, `check` and `test`, and takes it away afterwards.
 * Files keep their names under `policy/`, so that messages of the compiler can be read.
 */
export async function inWorkspace<T>(folder: PolicyFolder, opa: Opa, work: (workspace: Workspace) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(TEMPORARY_PARENT, "weir-policy-"));
  try {
    const library = librarySources();
    for (const path of await listPolicyFiles(library)) {
      if (!path.includes("/") && !path.endsWith("_test.rego")) await place(join(root, "library", path), await readFile(join(library, path), "utf8"));
    }
    for (const [path, source] of folder.rego) await place(join(root, "policy", path), source);
    await place(join(root, "data", "data.json"), JSON.stringify(compileData(folder.data)));
    await place(join(root, "capabilities.json"), pinnedCapabilities((await runOpa(opa, ["capabilities", "--current"])).stdout));
    await mkdir(join(root, "policy"), { recursive: true });
    return await work({ root, capabilities: join(root, "capabilities.json") });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

/**
 * Folders `library`, `policy` and `data` under `root`. `opa` is run in there with relative paths: they get into its output, and a bundle must
 * not differ by where it was built.
 */
export interface Workspace {
  readonly root: string;
  readonly capabilities: string;
}

/** Type-checks Rego strictly against library, capabilities and input schema. @throws UserError with every message of the compiler */
export async function checkRego(workspace: Workspace, opa: Opa, deadlineMs?: number): Promise<void> {
  const run = await runOpa(opa, ["check", "--strict", "--schema", inputSchemaPath(), "--capabilities", workspace.capabilities, "library", "policy"],
    { cwd: workspace.root, ...limited(deadlineMs) });
  refuseFailure(run);
}

/** Rego with the library and without data. @throws UserError with the compiler's messages, which name file and line */
export async function compileRego(rego: ReadonlyMap<string, string>, opa: Opa, deadlineMs?: number): Promise<Bundle> {
  return inWorkspace({ data: NO_DATA, rego }, opa, async (workspace) => {
    await checkRego(workspace, opa, deadlineMs);
    const output = join(workspace.root, "bundle.tar.gz");
    const entryPoints = Object.values(ENTRY_POINTS).flatMap((entryPoint) => ["-e", entryPoint]);
    const args = ["build", "-t", "wasm", ...entryPoints, "--revision", "compiled", "--capabilities", workspace.capabilities, "-o", output, "library", "policy"];
    refuseFailure(await runOpa(opa, args, { cwd: workspace.root, ...limited(deadlineMs) }));
    return readBundle(await readFile(output));
  });
}

const limited = (deadlineMs: number | undefined) => (deadlineMs === undefined ? {} : { deadlineMs });

const NO_DATA = { hosts: [], addresses: [], names: { hide: [] }, packs: [], custom: {} };

function refuseFailure(run: OpaRun): void {
  if (run.exitCode === 0) return;
  const messages = (run.stderr.trim() === "" ? run.stdout : run.stderr).trim().replaceAll("policy/", "");
  throw new UserError(`the policy does not compile\n${messages}`, "`weir policy check DIR` shows the same; the input's fields are in policies/schemas/input.json.", EXIT.config);
}

async function place(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
