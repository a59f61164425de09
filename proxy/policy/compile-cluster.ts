import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TEMPORARY_PARENT } from "../../common/own-folders.ts";
import { contentRevision, type Bundle } from "./bundle.ts";
import { compileData, compileEntries, type CompiledData, type CompiledEntries } from "./compile-data.ts";
import { compileRego, inWorkspace } from "./compile-policy.ts";
import { policyData, type PolicyData } from "./data.ts";
import { dataMemoryBytes } from "./data-memory.ts";
import { runOpa, type Opa, type OpaRun } from "./opa.ts";
import { ownRegoProblems } from "./own-rego.ts";
import type { Question } from "./policy-engine.ts";
import { readSyntax, type RegoFile } from "./rego-syntax.ts";
import { inputSchemaPath, readDefaultBundle } from "./shipped-files.ts";
import { moveSource, wrapperSources, type RegoProblem, type TenantRego } from "./tenant-rego.ts";

/** Time for one look of `opa` at one policy; whoever needs longer would hold up all others. */
const TENANT_DEADLINE_MS = 10_000;
/** Memory for one such look: a few lines can describe a type that fills any machine. */
const TENANT_MEMORY_BYTES = 256 << 20;
/** Time for the compilation of all of them. */
const CLUSTER_DEADLINE_MS = 120_000;

/** A policy of a tenant, its grants and budgets already by their ids. */
export interface TenantPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly data: Pick<PolicyData, "hosts" | "addresses" | "custom">;
  readonly rego: TenantRego;
}

/** Everything that one bundle says to a whole cluster. Names by namespace, then agent (`agent.container` for a container of its own). */
export interface ClusterPolicy {
  /** What holds for every agent, by the operator. */
  readonly base: PolicyData;
  readonly policies: readonly TenantPolicy[];
  /** Policies (`namespace.name`) that speak for an agent, in the order in which they are tried. */
  readonly holders: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** Agents that are refused everything but the platform, and what they are told. */
  readonly withheld: Readonly<Record<string, Readonly<Record<string, { readonly reason: string; readonly hint: string }>>>>;
  /** The one name that stays open for those. */
  readonly platform: string;
}

interface CompiledPolicies {
  /** Those with Rego of their authors: agents that hold one are answered in a thread apart (open-evaluator.ts). */
  readonly programs: readonly string[];
  readonly policies: Readonly<Record<string, CompiledEntries & { readonly custom: unknown }>>;
}

interface ClusterData {
  readonly egress: CompiledData["egress"] & { readonly cluster: Pick<ClusterPolicy, "holders" | "withheld" | "platform"> & CompiledPolicies };
  readonly custom: CompiledData["custom"];
}

const idOf = ({ namespace, name }: Pick<TenantPolicy, "namespace" | "name">): string => `${namespace}.${name}`;

/** Base documents of the bundle. Pure; an entry without `rule` is called `POLICY/hosts.NAME`. */
export function compileClusterData({ base, policies, holders, withheld, platform }: ClusterPolicy): ClusterData {
  const { egress, custom } = compileData(base);
  const compiled = policies.map((policy) => [idOf(policy), { ...compileEntries(policy.data, `${policy.name}/`), custom: policy.data.custom }] as const);
  const programs = policies.filter(({ rego }) => rego.sources.size > 0).map(idOf);
  return { egress: { ...egress, cluster: { holders, withheld, platform, programs, policies: Object.fromEntries(compiled) } }, custom };
}

/** What the data of a cluster take in the evaluator of each node proxy, and what each policy adds to that, in bytes. Pure. */
export function clusterMemory(cluster: ClusterPolicy): { readonly totalBytes: number; readonly policyBytes: ReadonlyMap<string, number> } {
  const data = compileClusterData(cluster);
  const { policies } = data.egress.cluster;
  return { totalBytes: dataMemoryBytes(data), policyBytes: new Map(Object.entries(policies).map(([id, policy]) => [id, dataMemoryBytes(policy)])) };
}

/**
 * Compiles all Rego of a cluster with the library. Without any, the library as shipped is enough and no compiler is asked.
 * @param sources of {@link clusterSources}
 * @throws UserError with the compiler's messages
 */
export async function compileClusterRego(sources: ReadonlyMap<string, string>, opa: Opa | null, deadlineMs = CLUSTER_DEADLINE_MS): Promise<Bundle["wasm"]> {
  if (sources.size === 0) return (await readDefaultBundle()).wasm;
  if (opa === null) throw new Error("there is no compiler for Rego");
  return (await compileRego(sources, opa, deadlineMs)).wasm;
}

/** Pure; equal policies have equal revisions. */
export function clusterBundle(cluster: ClusterPolicy, wasm: Bundle["wasm"]): Bundle {
  const data = compileClusterData(cluster);
  return { wasm, data, revision: contentRevision(wasm, data) };
}

/** All Rego of the cluster by path, wrappers included; the same text gives the same WebAssembly. */
export function clusterSources(policies: readonly TenantPolicy[]): ReadonlyMap<string, string> {
  const withRego = policies.filter(({ rego }) => rego.sources.size > 0);
  const moved = withRego.flatMap(({ namespace, name, rego }) => (
    [...rego.sources].map(([file, text]) => [`tenants/${namespace}/${name}/${file}`, text] as const)
  ));
  return new Map([...wrapperSources(withRego.map(({ namespace, name, rego }) => ({ namespace, id: idOf({ namespace, name }), rego }))), ...moved]);
}

/** A policy as its author wrote it: files by name. */
interface WrittenRego {
  readonly namespace: string;
  readonly name: string;
  readonly rego: Readonly<Record<string, string>>;
}

/**
 * Reads and checks the Rego of one policy by itself, so that what is wrong is said of this policy and no other. Tests (`*_test.rego`) are left out.
 * @returns the sources as they go into the cluster's bundle, or every problem by file and line
 */
export async function checkTenant(tenant: WrittenRego, opa: Opa): Promise<TenantRego | readonly RegoProblem[]> {
  const files = Object.entries(tenant.rego).filter(([file]) => !file.endsWith("_test.rego")).sort(([a], [b]) => (a < b ? -1 : 1));
  const moved = await Promise.all(files.map(async ([file, text]) => [file, await readSource(idOf(tenant), { file, text }, opa)] as const));
  const problems = moved.flatMap(([, result]) => ("question" in result ? [] : result));
  if (problems.length > 0) return problems;
  const good = moved.flatMap(([file, result]) => ("question" in result ? [{ file, ...result }] : []));
  const rego = { sources: new Map(good.map(({ file, text }) => [file, text])), questions: new Set<Question>(good.map(({ question }) => question)) };
  const found = [...await compilerProblems({ ...tenant, data: { hosts: [], addresses: [], custom: {} }, rego }, opa), ...ownRegoProblems(good.map(({ syntax }) => syntax))];
  return found.length > 0 ? found : rego;
}

/** A source in its policy's package; its syntax as it was written. */
type MovedSource = Extract<ReturnType<typeof moveSource>, { readonly question: Question }> & { readonly syntax: RegoFile };

async function readSource(policy: string, source: { readonly file: string; readonly text: string }, opa: Opa): Promise<MovedSource | readonly RegoProblem[]> {
  const folder = await mkdtemp(join(TEMPORARY_PARENT, "weir-rego-"));
  try {
    await writeFile(join(folder, "source.rego"), source.text);
    const run = await runOpa(opa, ["parse", "--format", "json", "--json-include", "locations", "source.rego"], { cwd: folder, deadlineMs: TENANT_DEADLINE_MS, memoryLimitBytes: TENANT_MEMORY_BYTES });
    if (run.exitCode === 0) {
      const ast: unknown = JSON.parse(run.stdout);
      const moved = moveSource(policy, source, ast);
      return "question" in moved ? { ...moved, syntax: readSyntax(source.file, ast) } : moved;
    }
    return reported(run).map(({ line, message }) => ({ file: source.file, ...(line === undefined ? {} : { line }), message }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the compiler says of one policy with the library and its wrapper. */
async function compilerProblems(policy: TenantPolicy, opa: Opa): Promise<readonly RegoProblem[]> {
  return inWorkspace({ data: policyData.parse({}), rego: clusterSources([policy]) }, opa, async ({ root, capabilities }) => {
    const args = ["check", "--strict", "--format", "json", "--schema", inputSchemaPath(), "--capabilities", capabilities, "library", "policy"];
    const run = await runOpa(opa, args, { cwd: root, deadlineMs: TENANT_DEADLINE_MS, memoryLimitBytes: TENANT_MEMORY_BYTES });
    if (run.exitCode === 0) return [];
    return reported(run).map(({ isOfWrapper, ...problem }) => (isOfWrapper ? ofWrapper(policy, problem) : problem));
  });
}

/** The wrapper asks for sets; whatever else a policy calls `deny` or `allow` shows there, in a file that the author does not know. */
function ofWrapper({ rego }: TenantPolicy, { message }: RegoProblem): RegoProblem {
  return { file: [...rego.sources.keys()][0] ?? "", message: `\`deny\`, \`allow\` and \`ask\` are sets of objects, \`read\` is one of names: ${message}` };
}

interface Told {
  readonly errors?: readonly { readonly message?: string; readonly location?: { readonly file?: string; readonly row?: number } }[];
}

/** The compiler's errors. A file is named as its author named it: the last part of its path. */
function reported({ stdout, stderr }: OpaRun): (RegoProblem & { readonly isOfWrapper: boolean })[] {
  const { errors = [] } = JSON.parse(stderr.trim() === "" ? stdout : stderr) as Told;
  return errors.map(({ message = "does not compile", location: { file = "", row } = {} }) => ({
    file: file.split("/").at(-1) ?? "", ...(row === undefined ? {} : { line: row }), message, isOfWrapper: file.startsWith("policy/cluster/"),
  }));
}
