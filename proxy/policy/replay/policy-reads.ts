import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../../common/config.ts";
import { TEMPORARY_PARENT } from "../../../common/own-folders.ts";
import type { Bundle } from "../bundle.ts";
import { obtainOpa, runOpa, type Opa } from "../opa.ts";
import type { Step } from "../places.ts";
import type { PolicyFolder } from "../policy-folder.ts";
import { isShippedLibrary } from "../shipped-files.ts";

/** Which places of the input a policy may look at. What it never looks at may be unknown without any doubt about its answer. */
export interface PolicyReads {
  /** How that is known, as a sentence for people. */
  readonly basis: string;
  /**
   * Values for a place that is not known, or for anything below it: where the policy answers alike with each of them in all such places, it does whatever
   * stood there. Null where only the value itself would tell.
   */
  witnesses(place: readonly Step[]): readonly string[] | null;
}

/** Stands where a name is known and its value is not. */
export const UNKNOWN = "(not recorded)";
/** For what the policy does not look at. */
const ANY: readonly string[] = [UNKNOWN];
/** For a value of the query: a deny of Git asks of them all whether one says something of a service (policies/git.rego), and of no more. */
const OF_QUERY: readonly string[] = [UNKNOWN, "service"];

/**
 * Finds out what a policy may look at. The library looks at no header, of the query at its names, at `_method` and at whether anything says `service`, and at
 * those parts of bodies alone that its data name (test/policy/library-reads.test.ts holds all of that against its answers). Rego beside it may look at whatever
 * it refers to. A bundle with Rego and without its source may look at all.
 */
export async function policyReads(bundle: Pick<Bundle, "wasm" | "data">, folder: PolicyFolder | null, environment: Environment, announce: (line: string) => void): Promise<PolicyReads> {
  const library = libraryReads(bundle.data);
  if (await isShippedLibrary(bundle.wasm)) return { basis: "the library reads no header, of the query names, `_method` and `service`, and of bodies what the data name", witnesses: library };
  if (folder === null) return { basis: "a bundle with Rego may read all of the input; give the folder that it was built from to know better", witnesses: () => null };
  const opa = await obtainOpa(environment, announce);
  const references = await referencesOf(folder, opa);
  return { basis: "its Rego was searched for what it refers to", witnesses: (place) => (references.some((reference) => overlap(reference, place)) ? null : library(place)) };
}

/** A part of a body is looked at if a rule of the data for arguments or JSON begins with its name. */
function libraryReads(data: object): PolicyReads["witnesses"] {
  const named = new Set<string>();
  collectNamed(data, named);
  return (place) => {
    if (place[0] === "request" && place[1] === "query") return place[2] === undefined || namesMethod(place[2]) ? null : OF_QUERY;
    if (place[0] === "request") return place[1] === "headers" ? ANY : null;
    if (place[0] === "sql") return place[1] === undefined || OF_SESSIONS.has(place[1]) ? null : ANY;
    const key = keyInBody(place);
    return key === null || named.has(String(key)) ? null : ANY;
  };
}

/** What the library looks at of a session of a database. */
const OF_SESSIONS = new Set<Step>(["database", "user"]);

/** A parameter of the query that names another method. */
function namesMethod(name: Step): boolean {
  return /^_method/i.test(String(name));
}

/** The name that a body gives something; null for what is no such place, or all of a body. */
function keyInBody([first, second, third]: readonly Step[]): Step | null {
  if (first === "json") return second ?? null;
  return first === "mcp" && second === "arguments" ? third ?? null : null;
}

/** Where a rule for values looks, and where one says which keys there may be: the first steps of `path` and `at` (compile-values.ts, compile-readings.ts). */
function collectNamed(value: unknown, into: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  const { path, at } = value as { readonly path?: unknown; readonly at?: unknown };
  for (const steps of [path, at]) {
    const first: unknown = Array.isArray(steps) ? steps[0] : undefined;
    if (typeof first === "object" && first !== null && "key" in first) into.add(String(first.key));
  }
  for (const item of Object.values(value)) collectNamed(item, into);
}

/** A reference to the input: null stands for a step that is not written out. */
type Reference = readonly (Step | null)[];

/** All that a folder's Rego refers to below `input`, by its syntax tree; what cannot be read may refer to anything. */
async function referencesOf({ rego }: PolicyFolder, opa: Opa): Promise<Reference[]> {
  const directory = await mkdtemp(join(TEMPORARY_PARENT, "weir-parse-"));
  const found: Reference[] = [];
  try {
    const file = join(directory, "policy.rego");
    for (const source of [...rego].filter(([path]) => !path.endsWith("_test.rego")).map(([, text]) => text)) {
      await writeFile(file, source);
      const run = await runOpa(opa, ["parse", "--format", "json", file]);
      if (run.exitCode === 0) collectReferences(JSON.parse(run.stdout), found);
      else found.push([]);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return found;
}

interface Term {
  readonly type?: unknown;
  readonly value?: unknown;
}

function collectReferences(node: unknown, found: Reference[]): void {
  if (typeof node !== "object" || node === null) return;
  const { type, value } = node as Term;
  if (type === "ref" && Array.isArray(value) && isInput(value[0])) {
    const steps = value.slice(1) as Term[];
    found.push(steps.map((step) => (step.type === "string" || step.type === "number" ? step.value as Step : null)));
    for (const step of steps) collectReferences(step, found);
    return;
  }
  if (isInput(node)) found.push([]);
  for (const child of Object.values(node)) collectReferences(child, found);
}

function isInput(node: unknown): boolean {
  return typeof node === "object" && node !== null && (node as Term).type === "var" && (node as Term).value === "input";
}

/** True if one of the two is the other or lies below it. */
function overlap(reference: Reference, place: readonly Step[]): boolean {
  return reference.every((step, index) => index >= place.length || step === null || step === place[index]);
}
