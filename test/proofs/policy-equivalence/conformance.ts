import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { readEnvironment } from "../../../common/config.ts";
import { builtinsAt } from "../../../proxy/policy/builtins.ts";
import { pinnedCapabilities } from "../../../proxy/policy/capabilities.ts";
import { runOpa, type Opa } from "../../../proxy/policy/opa.ts";
import { RegoInstance } from "../../../common/rego/rego-instance.ts";
import { readValue, RegoObject, RegoSet, WrittenNumber, type RegoValue } from "../../../proxy/policy/rego-value.ts";
import { compileCorrected } from "../../../proxy/policy/corrected-module.ts";
import { hostCalls } from "../../../proxy/policy/host-calls.ts";

const TOOLS = join(import.meta.dirname, "..", "..", "..", "tools");
const BUILD_DEADLINE_MS = 600_000;
const MEMORY_LIMIT_BYTES = 64 << 20;

/** A case of OPA's own, compiled by tools/conformance. */
export interface ConformanceCase {
  readonly note: string;
  /** Base64; absent if the compiler refused it. */
  readonly wasm?: string;
  readonly refused?: string;
  readonly data?: object;
  readonly input?: unknown;
  /** Instead of `input`, as Rego writes it. */
  readonly input_term?: string;
  readonly want_defined?: boolean;
  readonly want_result?: readonly Readonly<Record<string, unknown>>[];
  readonly want_error_code?: string;
  readonly want_error?: string;
  readonly strict_error?: boolean;
  readonly sort_bindings?: boolean;
  readonly ignore_generated_vars?: boolean;
}

/** Passed; outside of what policies may use; or failed, and how. */
export type CaseResult = { readonly kind: "passed" } | { readonly kind: "unsupported" } | { readonly kind: "failed"; readonly why: string };

/** Compiles the cases of the pinned OPA with Go. @param every one case of so many is taken @throws Error if there is no Go */
export async function* conformanceCases(opa: Opa, every: number): AsyncGenerator<ConformanceCase> {
  const folder = await mkdtemp(join(tmpdir(), "weir-conformance-"));
  const go = { cwd: TOOLS, env: { ...readEnvironment(), CGO_ENABLED: "0" }, timeout: BUILD_DEADLINE_MS, maxBuffer: 1 << 20 };
  try {
    const capabilities = join(folder, "capabilities.json");
    await writeFile(capabilities, pinnedCapabilities((await runOpa(opa, ["capabilities", "--current"])).stdout));
    await promisify(execFile)("go", ["build", "-trimpath", "-o", join(folder, "conformance"), "./conformance"], go);
    const { stdout: module } = await promisify(execFile)("go", ["list", "-m", "-f", "{{.Dir}}", "github.com/open-policy-agent/opa"], go);
    const cases = ["cases/testdata/v1", "wasm/assets"].map((below) => join(module.trim(), "v1", "test", below));
    const compiler = spawn(join(folder, "conformance"), [capabilities, `${every}`, ...cases], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise<number | null>((resolve) => { compiler.on("close", resolve); });
    for await (const line of createInterface({ input: compiler.stdout })) yield JSON.parse(line) as ConformanceCase;
    if (await ended !== 0) throw new Error("the cases could not be compiled");
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Evaluates a case as policies are evaluated. */
export async function judge(one: ConformanceCase): Promise<CaseResult> {
  if (one.refused !== undefined) return judgeRefusal(one, one.refused);
  const outcome = await evaluate(one);
  const wanted = one.want_error_code ?? one.want_error;
  if (wanted !== undefined) {
    // An error of a builtin is undefined unless somebody asks for strictness, which WebAssembly does not know.
    const isRight = "error" in outcome || one.strict_error === true || wanted === "eval_builtin_error";
    return isRight ? { kind: "passed" } : { kind: "failed", why: `gives ${written(outcome.results, one)} in place of the error ${wanted}` };
  }
  if ("error" in outcome) return { kind: "failed", why: outcome.error };
  if (one.want_result === undefined) {
    return outcome.results.length > 0 === (one.want_defined ?? false) ? { kind: "passed" } : { kind: "failed", why: `gives ${written(outcome.results, one)}` };
  }
  // What OPA wants of a set is a list in some order.
  const isSorted = one.sort_bindings === true || outcome.results.some(hasSet);
  const [ours, theirs] = [outcome.results, one.want_result.map(fromJson)].map((results) => written(results, { ...one, sort_bindings: isSorted }));
  return ours === theirs ? { kind: "passed" } : { kind: "failed", why: `gives ${ours} in place of ${theirs}` };
}

function judgeRefusal(one: ConformanceCase, refused: string): CaseResult {
  if (one.want_error_code?.startsWith("rego_") === true) return { kind: "passed" };
  return /undefined function|with keyword target must reference|var opa is unsafe/.test(refused) ? { kind: "unsupported" } : { kind: "failed", why: `is refused by the compiler: ${refused}` };
}

type Outcome = { readonly results: readonly RegoValue[] } | { readonly error: string };

async function evaluate(one: ConformanceCase): Promise<Outcome> {
  try {
    const module = await compileCorrected(new Uint8Array(Buffer.from(one.wasm ?? "", "base64")));
    const instance = new RegoInstance({ module, data: JSON.stringify(one.data ?? {}), memoryLimitBytes: MEMORY_LIMIT_BYTES, hostCalls: hostCalls(builtinsAt(() => 1_763_712_345_678)) });
    const input = one.input_term ?? (one.input === undefined ? "" : JSON.stringify(one.input));
    const results = readValue(instance.evaluate(instance.entryPoints[0] ?? "", input, "value"));
    return { results: results instanceof RegoSet ? results.members : results as readonly RegoValue[] };
  } catch (error) {
    return { error: error instanceof Error ? `throws ${error.message}` : `throws ${String(error)}` };
  }
}

function fromJson(value: unknown): RegoValue {
  if (Array.isArray(value)) return value.map(fromJson);
  return typeof value === "object" && value !== null ? new RegoObject(Object.entries(value).map(([key, of]) => [key, fromJson(of)] as const)) : value as RegoValue;
}

function hasSet(value: RegoValue): boolean {
  if (value instanceof RegoSet) return true;
  if (value instanceof RegoObject) return value.entries.some(([, of]) => hasSet(of));
  return Array.isArray(value) && (value as readonly RegoValue[]).some(hasSet);
}

/** As a text that is the same for equal results: in no order, sets as lists, and numbers by their worth. */
function written(results: readonly RegoValue[], { sort_bindings: isSorted = false, ignore_generated_vars: isBare = false }: ConformanceCase): string {
  const texts = results.map((bindings) => {
    const entries = bindings instanceof RegoObject ? bindings.entries.filter(([name]) => !isBare || !(typeof name === "string" && name.startsWith("__"))) : [];
    return text(new RegoObject(entries), isSorted);
  });
  return `[${[...new Set(texts)].sort().join(",")}]`;
}

function text(value: RegoValue, isSorted: boolean): string {
  if (value instanceof WrittenNumber) return value.text;
  if (typeof value !== "object" || value === null) return typeof value === "number" || typeof value === "bigint" ? `${Number(value)}` : JSON.stringify(value);
  if (value instanceof RegoObject) return `{${value.entries.map(([key, of]) => `${typeof key === "string" ? JSON.stringify(key) : JSON.stringify(text(key, isSorted))}:${text(of, isSorted)}`).sort().join(",")}}`;
  const members = (value instanceof RegoSet ? value.members : value).map((member) => text(member, isSorted));
  return `[${(isSorted ? members.sort() : members).join(",")}]`;
}
