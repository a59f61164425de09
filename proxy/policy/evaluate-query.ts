import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../common/clock.ts";
import type { Environment } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import { compileFolder, inWorkspace } from "./compile-policy.ts";
import { policyConfig } from "./config.ts";
import { ENTRY_POINTS } from "./entry-points.ts";
import { openEvaluator } from "./open-evaluator.ts";
import { obtainOpa, runOpa } from "./opa.ts";
import type { PolicyInput, Question } from "./policy-engine.ts";
import { readPolicyFolder } from "./policy-folder.ts";

/** `wasm` is what the boundary runs, and answers the three decisions; `opa` is `opa eval`, and answers anything. */
export const QUERY_ENGINES = ["wasm", "opa"] as const;
export type QueryEngine = (typeof QUERY_ENGINES)[number];

export interface QueryOptions {
  readonly inputFile: string;
  /** Default by the query: `wasm` if it is a decision. */
  readonly engine: QueryEngine | undefined;
  readonly environment: Environment;
  readonly announce: (line: string) => void;
}

export interface QueryAnswer {
  readonly engine: QueryEngine;
  /** Absent: undefined, as Rego has it. */
  readonly value?: unknown;
}

const HINT = `Decisions are ${Object.keys(ENTRY_POINTS).join(", ")}; rules are data.weir.custom.exchange.deny and the like. \`weir policy check\` looks at the Rego by itself.`;
const INPUT_LIMIT_BYTES = 32 << 20;

/**
 * Evaluates a query with a policy folder's data, packs and Rego beside the library.
 * @param query a decision (`exchange`, `weir/exchange/decision`, `data.weir.exchange.decision`) or any query of Rego
 * @throws UserError with the compiler's or the engine's words
 */
export async function evaluateQuery(directory: string, query: string, options: QueryOptions): Promise<QueryAnswer> {
  const question = questionOf(query);
  const engine = options.engine ?? (question === null ? "opa" : "wasm");
  const input = await readInput(options.inputFile);
  if (engine === "opa") return { engine, ...await byOpa(directory, question === null ? query : `data.${ENTRY_POINTS[question].replaceAll("/", ".")}`, input, options) };
  if (question === null) throw new UserError(`${query} is no decision: wasm answers ${Object.keys(ENTRY_POINTS).join(", ")}`, "Leave --engine out, or say --engine opa.", EXIT.usage);
  return { engine, ...await byWasm(directory, question, input, options) };
}

function questionOf(query: string): Question | null {
  const plain = query.replace(/^data\./, "").replaceAll(".", "/");
  return (Object.keys(ENTRY_POINTS) as Question[]).find((question) => question === plain || ENTRY_POINTS[question] === plain) ?? null;
}

async function readInput(file: string): Promise<object> {
  try {
    const text = await readFile(file, "utf8");
    if (Buffer.byteLength(text) > INPUT_LIMIT_BYTES) throw new Error(`is larger than ${INPUT_LIMIT_BYTES} bytes`);
    const input: unknown = JSON.parse(text);
    if (typeof input !== "object" || input === null) throw new Error("is not an object");
    return input;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new UserError(`--input ${file}: ${code === "ENOENT" ? "no such file" : message}`, "It is a JSON file with the input of policies/schemas/input.json.", EXIT.usage, { cause });
  }
}

async function byWasm(directory: string, question: Question, input: object, { environment, announce }: QueryOptions): Promise<{ value?: unknown }> {
  const bundle = await compileFolder(await readPolicyFolder(directory), () => obtainOpa(environment, announce));
  const evaluator = await openEvaluator(bundle, policyConfig.parse({}), systemClock);
  try {
    const answer = await evaluator.evaluate(question, input as PolicyInput) as readonly { readonly result?: unknown }[];
    return answer[0] === undefined ? {} : { value: answer[0].result };
  } catch (cause) {
    const why = cause instanceof TypeError ? "the input lacks a part that every input has" : describeError(cause);
    throw new UserError(`the policy could not be evaluated: ${why}`, "The input's fields are in policies/schemas/input.json; `--engine opa` may say more.", EXIT.failure, { cause });
  } finally {
    await evaluator.close?.();
  }
}

interface OpaEvaluation {
  readonly result?: readonly { readonly expressions: readonly { readonly value: unknown }[]; readonly bindings?: Readonly<Record<string, unknown>> }[];
  readonly errors?: readonly { readonly message: string; readonly location?: { readonly file?: string; readonly row?: number } }[];
}

async function byOpa(directory: string, query: string, input: object, { environment, announce }: QueryOptions): Promise<{ value?: unknown }> {
  const folder = await readPolicyFolder(directory);
  const opa = await obtainOpa(environment, announce);
  return inWorkspace(folder, opa, async ({ root, capabilities }) => {
    await writeFile(join(root, "input.json"), JSON.stringify(input));
    const args = ["eval", "--format", "json", "--capabilities", capabilities, "--data", "library", "--data", "policy", "--data", "data", "--input", "input.json", "--", query];
    const { stdout, stderr } = await runOpa(opa, args, { cwd: root });
    const { result, errors } = parseEvaluation(stdout, stderr);
    if (errors !== undefined) {
      const lines = errors.map(({ message, location }) => `${location?.file === undefined ? "" : `${location.file.replace(/^policy\//, "")}:${location.row ?? 0}: `}${message}`);
      throw new UserError(`opa cannot evaluate ${query}\n${lines.map((line) => `  ${line}`).join("\n")}`, HINT, EXIT.failure);
    }
    if (result === undefined || result.length === 0) return {};
    const values = result.map(({ expressions, bindings }) => bindings ?? expressions[0]?.value);
    return { value: values.length === 1 ? values[0] : values };
  });
}

function parseEvaluation(stdout: string, stderr: string): OpaEvaluation {
  try {
    return JSON.parse(stdout) as OpaEvaluation;
  } catch (cause) {
    throw new UserError(`opa eval failed\n${stderr.trim()}`, "Check the query.", EXIT.failure, { cause });
  }
}
