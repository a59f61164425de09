import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readEnvironment } from "../../common/config.ts";
import { requireOpa, type Opa } from "../../proxy/policy/opa.ts";
import { hostAnswer, opaAnswers, wasmAnswers } from "../policy/builtin-answers.ts";
import { builtinCalls, type Call } from "../policy/builtin-calls.ts";
import { compareShape, shapes } from "../policy/shapes.ts";
import { wasmCalls } from "../policy/wasm-calls.ts";
import { askOpa, askWasm } from "../policy/golden/ask.ts";
import { generatedQuestions, goldenData, goldenQuestions } from "../policy/golden/questions.ts";
import type { ProofOptions, ProofResult } from "../support/proof.ts";
import { conformanceCases, judge } from "./policy-equivalence/conformance.ts";

/**
 * How much of each: questions to the library beside the golden ones, calls of each builtin with arguments drawn at random, arguments of each function of
 * Rego, and one conformance case of so many.
 */
const FORMS = { quick: { questions: 500, calls: 30, pairs: 60, every: 8 }, full: { questions: 10_000, calls: 300, pairs: 3_000, every: 1 } } as const;
/** One run of OPA answers so many. */
const BATCH = 2_000;

interface Compared {
  readonly equal: number;
  readonly different: readonly string[];
  readonly note: string;
}

/**
 * WebAssembly against the real `opa`: the library's decisions on golden and generated inputs, each builtin of the host and of the WebAssembly on arguments at random, functions of Rego
 * on numbers, texts and values that are seldom met, and OPA's own conformance cases. A case that cannot be passed is in a list with its reason, and the list fails when one of it passes.
 */
export async function run({ quick, seed, print }: ProofOptions): Promise<ProofResult> {
  const form = quick ? FORMS.quick : FORMS.full;
  const opa = await requireOpa(readEnvironment());
  const decisions = await compareDecisions(opa, seed, form.questions);
  const builtins = await compareBuiltins(opa, seed, form.calls);
  const functions = await compareShapes(opa, seed, form.pairs);
  const cases = await compareCases(opa, form.every);
  const parts: readonly (readonly [string, Compared])[] = [["decisions", decisions], ["calls of builtins", builtins], ["calls of functions of Rego", functions], ["conformance cases", cases]];
  for (const [name, { equal, different, note }] of parts) {
    print(`  ${different.length === 0 ? "ok  " : "FAIL"} ${equal} ${name} are equal${note}`);
    for (const line of different.slice(0, 20)) print(`       ${line}`);
  }
  return {
    holds: parts.every(([, { equal, different }]) => equal > 0 && different.length === 0),
    figure: `${decisions.equal} inputs equal, ${builtins.equal} calls of builtins equal${builtins.note}, ${functions.equal} of functions${functions.note}, ${cases.equal} conformance cases passed${cases.note}`,
  };
}

async function compareDecisions(opa: Opa, seed: number, count: number): Promise<Compared> {
  const data = goldenData();
  const questions = [...goldenQuestions(), ...generatedQuestions(seed, count)];
  const different: string[] = [];
  for (let from = 0; from < questions.length; from += BATCH) {
    const batch = questions.slice(from, from + BATCH);
    const [ours, theirs] = [await askWasm(data, batch), await askOpa(opa, data, batch)];
    for (const [index, question] of batch.entries()) {
      if (!isDeepStrictEqual(ours[index], theirs[index])) different.push(`${JSON.stringify(question)}: ${JSON.stringify(ours[index])} in place of ${JSON.stringify(theirs[index])}`);
    }
  }
  return { equal: questions.length - different.length, different, note: "" };
}

/** What a builtin refuses ends the evaluation: nothing is allowed, so it cannot differ to anybody's harm; few may be refused all the same. */
async function compareBuiltins(opa: Opa, seed: number, count: number): Promise<Compared> {
  const folder = await mkdtemp(join(tmpdir(), "weir-calls-"));
  try {
    const [ofHost, ofWasm] = [builtinCalls(count, seed), wasmCalls(count, seed)];
    const calls = [...ofHost, ...ofWasm];
    const theirs = [...await opaAnswers(opa, ofHost, folder), ...await opaAnswers(opa, ofWasm, folder)];
    const ours = [...ofHost.map(answerOrNull), ...(await wasmAnswers(opa, ofWasm, folder)).map((answer) => (answer === "refused" ? null : answer))];
    const refused = ours.filter((answer) => answer === null).length;
    const different = calls.flatMap(([name, args], index) => (ours[index] === null || ours[index] === theirs[index] ? [] : [`${name}(${JSON.stringify(args)}) is ${ours[index]} in place of ${theirs[index]}`]));
    if (refused > calls.length / 25) different.push(`${refused} of ${calls.length} calls are refused`);
    return { equal: calls.length - refused - different.length, different, note: ` (${refused} refused)` };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What stops the policy allows nothing; few may stop it all the same. */
async function compareShapes(opa: Opa, seed: number, count: number): Promise<Compared> {
  const folder = await mkdtemp(join(tmpdir(), "weir-shapes-"));
  try {
    const different: string[] = [];
    let [equal, stopped] = [0, 0];
    for (const shape of shapes(count, seed)) {
      const compared = await compareShape(opa, shape, folder);
      different.push(...compared.different);
      equal += compared.equal;
      stopped += compared.stopped;
    }
    if (stopped > equal / 25) different.push(`${stopped} calls stop the policy`);
    return { equal, different, note: ` (${stopped} stopped)` };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function answerOrNull(call: Call): string | undefined | null {
  try {
    return hostAnswer(call);
  } catch {
    return null;
  }
}

async function compareCases(opa: Opa, every: number): Promise<Compared> {
  const exceptions = new Map((JSON.parse(await readFile(new URL("policy-equivalence/exceptions.json", import.meta.url), "utf8")) as { note: string; reason: string }[]).map(({ note, reason }) => [note, reason]));
  const different: string[] = [];
  const met = new Set<string>();
  let [equal, outside] = [0, 0];
  for await (const one of conformanceCases(opa, every)) {
    const result = await judge(one);
    const isException = exceptions.has(one.note);
    if (isException) met.add(one.note);
    if (result.kind === "unsupported") outside += 1;
    else if (result.kind === "passed" && !isException) equal += 1;
    else if (result.kind === "passed") different.push(`${one.note}: passes, and is listed as an exception`);
    else if (!isException) different.push(`${one.note}: ${result.why}`);
  }
  if (every === 1) different.push(...[...exceptions.keys()].filter((note) => !met.has(note)).map((note) => `${note}: is listed as an exception, and there is no such case`));
  return { equal, different, note: `, ${met.size} exceptions, ${outside} of builtins that are left out` };
}
