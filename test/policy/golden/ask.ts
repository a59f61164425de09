import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../common/clock.ts";
import { runOpa, type Opa } from "../../../proxy/policy/opa.ts";
import { librarySources, readDefaultBundle } from "../../../proxy/policy/shipped-files.ts";
import { WasmPolicy } from "../../../proxy/policy/wasm-policy.ts";
import type { GoldenQuestion } from "./questions.ts";

/** What the library as checked in answers through WebAssembly. */
export async function askWasm(data: object, questions: readonly GoldenQuestion[]): Promise<unknown[]> {
  const { wasm } = await readDefaultBundle();
  const policy = await WasmPolicy.open(wasm, data, { limits: { deadlineMs: 1_000, memoryLimitBytes: 16 << 20 }, clock: systemClock });
  const answers: unknown[] = [];
  for (const { question, input } of questions) {
    const [answer] = await policy.evaluate(question, input) as [{ result: unknown }];
    answers.push(answer.result);
  }
  return answers;
}

/** One run of OPA for all questions. */
const ASK = `package ask

answers := [decision(golden) | some golden in data.golden]

decision(golden) := answer if {
	golden.question == "connection"
	answer := data.weir.connection.decision with input as golden.input
}

decision(golden) := answer if {
	golden.question == "exchange"
	answer := data.weir.exchange.decision with input as golden.input
}

decision(golden) := answer if {
	golden.question == "name"
	answer := data.weir.name.decision with input as golden.input
}
`;

/** Without the tests, which OPA would take for policy. */
export async function libraryFiles(): Promise<string[]> {
  return (await readdir(librarySources())).filter((name) => name.endsWith(".rego") && !name.endsWith("_test.rego")).sort();
}

/** What `opa eval` answers with the library's sources. */
export async function askOpa(opa: Opa, data: object, questions: readonly GoldenQuestion[]): Promise<unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), "weir-golden-"));
  try {
    await writeFile(join(folder, "data.json"), JSON.stringify({ ...data, golden: questions }));
    await writeFile(join(folder, "ask.rego"), ASK);
    const sources = ["-d", join(folder, "data.json"), ...(await libraryFiles()).flatMap((file) => ["-d", join(librarySources(), file)])];
    const run = await runOpa(opa, ["eval", "--format", "raw", "-d", join(folder, "ask.rego"), ...sources, "data.ask.answers"]);
    if (run.exitCode !== 0 || run.stderr !== "") throw new Error(run.stderr || run.stdout);
    return JSON.parse(run.stdout) as unknown[];
  } finally {
    await rm(folder, { recursive: true });
  }
}
