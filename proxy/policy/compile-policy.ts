import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { TEMPORARY_PARENT } from "../../common/own-folders.ts";
import { allOf } from "./all-problems.ts";
import { contentRevision, readBundle, type Bundle } from "./bundle.ts";
import { pinnedCapabilities } from "./capabilities.ts";
import { compileData } from "./compile-data.ts";
import { ENTRY_POINTS } from "./entry-points.ts";
import { runOpa, type Opa, type OpaRun } from "./opa.ts";
import { ownRegoProblems } from "./own-rego.ts";
import { listPolicyFiles, type PolicyFolder } from "./policy-folder.ts";
import { readSyntax, type RegoFile } from "./rego-syntax.ts";
import { inputSchemaPath, librarySources, readDefaultBundle } from "./shipped-files.ts";

/**
 * Compiles a policy folder. Data alone needs no compiler: it goes with the library as it was built. Rego beside it is compiled together
 * with the library, checked against the input's schema, by the `opa` that `obtain` gives.
 * @throws UserError with the compiler's messages, which name file and line
 */
export async function compileFolder(folder: PolicyFolder, obtain: () => Promise<Opa>): Promise<Bundle> {
  const data = compileData(folder.data);
  const sources = new Map([...folder.rego].filter(([path]) => !path.endsWith("_test.rego")));
  const { wasm } = sources.size === 0 ? await readDefaultBundle() : await compileOwn(sources, await obtain());
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

/** Like {@link checkRego}, and whether the library asks for what the user's Rego says. @param sources without tests, by path @throws UserError with every problem of both */
export async function checkOwnRego(workspace: Workspace, sources: ReadonlyMap<string, string>, opa: Opa): Promise<void> {
  await allOf([() => checkRego(workspace, opa), async () => {
    const problems = ownRegoProblems(await parseSources(workspace, [...sources.keys()], opa));
    if (problems.length === 0) return;
    const lines = problems.map(({ file, line, message }) => `  ${file}:${line ?? 1}: ${message}`);
    throw new UserError(`the policy's Rego does not do what it says\n${lines.join("\n")}`, "docs/rego.md says which packages and rules are asked, and what they answer.", EXIT.config);
  }]);
}

/** Syntax trees of what can be parsed; of the rest the compiler says why not. */
async function parseSources({ root }: Workspace, paths: readonly string[], opa: Opa): Promise<RegoFile[]> {
  const files: RegoFile[] = [];
  for (const path of paths) {
    const { exitCode, stdout } = await runOpa(opa, ["parse", "--format", "json", "--json-include", "locations", join("policy", path)], { cwd: root });
    if (exitCode === 0) files.push(readSyntax(path, JSON.parse(stdout)));
  }
  return files;
}

async function compileOwn(sources: ReadonlyMap<string, string>, opa: Opa): Promise<Bundle> {
  return inWorkspace({ data: NO_DATA, rego: sources }, opa, async (workspace) => {
    await checkOwnRego(workspace, sources, opa);
    return build(workspace, opa);
  });
}

/** Rego with the library and without data. @throws UserError with the compiler's messages, which name file and line */
export async function compileRego(rego: ReadonlyMap<string, string>, opa: Opa, deadlineMs?: number): Promise<Bundle> {
  return inWorkspace({ data: NO_DATA, rego }, opa, async (workspace) => {
    await checkRego(workspace, opa, deadlineMs);
    return build(workspace, opa, deadlineMs);
  });
}

async function build({ root, capabilities }: Workspace, opa: Opa, deadlineMs?: number): Promise<Bundle> {
  const output = join(root, "bundle.tar.gz");
  const entryPoints = Object.values(ENTRY_POINTS).flatMap((entryPoint) => ["-e", entryPoint]);
  const args = ["build", "-t", "wasm", ...entryPoints, "--revision", "compiled", "--capabilities", capabilities, "-o", output, "library", "policy"];
  refuseFailure(await runOpa(opa, args, { cwd: root, ...limited(deadlineMs) }));
  return readBundle(await readFile(output));
}

const limited = (deadlineMs: number | undefined) => (deadlineMs === undefined ? {} : { deadlineMs });

/** Of a folder without any. */
export const NO_DATA = { hosts: [], addresses: [], names: { hide: [] }, packs: [], custom: {} };

function refuseFailure(run: OpaRun): void {
  if (run.exitCode === 0) return;
  const messages = (run.stderr.trim() === "" ? run.stdout : run.stderr).trim().replaceAll("policy/", "");
  const isOfInput = messages.includes("undefined ref: input");
  const hint = isOfInput ? "The input's fields are in policies/schemas/input.json." : "docs/rego.md is the reference of Rego of one's own.";
  throw new UserError(`the policy does not compile\n${messages}`, hint, EXIT.config);
}

async function place(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
