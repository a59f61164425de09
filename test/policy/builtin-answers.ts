import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RegoInstance } from "../../common/rego/rego-instance.ts";
import { builtinsAt } from "../../proxy/policy/builtins.ts";
import { unpackFiles } from "../../proxy/policy/bundles/files.ts";
import { compileCorrected } from "../../proxy/policy/corrected-module.ts";
import { runOpa, type Opa } from "../../proxy/policy/opa.ts";
import { readValue, readWritten, RegoObject, RegoSet, WrittenNumber, type RegoValue } from "../../proxy/policy/rego-value.ts";
import { hostCalls } from "../../proxy/policy/host-calls.ts";
import type { Call } from "./builtin-calls.ts";

const ours = builtinsAt(() => 1_763_712_345_678);

/** What a builtin of the host gives, as JSON text; undefined where it gives nothing. */
export function hostAnswer([name, args]: Call): string | undefined {
  const builtin = ours[name];
  const answer = builtin?.(...args.map((arg) => (builtin.isWritten === true ? readWritten : readValue)(JSON.stringify(arg))));
  return answer === undefined ? undefined : canonical(answer);
}

/** What `opa eval` gives for all of the calls, in one run. @param folder where the questions are written */
export async function opaAnswers(opa: Opa, calls: readonly Call[], folder: string): Promise<readonly (string | undefined)[]> {
  const file = join(folder, "calls.rego");
  // Held apart from each other and from the compiler's own types: what is an error of one must not be one of all.
  const rules = calls.map(([name, args], index) => `answers["${index}"] := ${name}(${args.map((_, at) => `input.calls[${index}][${at}]`).join(", ")})`);
  await writeFile(file, `package calls\n\n${rules.join("\n\n")}\n`);
  await writeFile(join(folder, "input.json"), JSON.stringify({ calls: calls.map(([, args]) => args) }));
  const run = await runOpa(opa, ["eval", "--format", "raw", "-d", file, "-i", join(folder, "input.json"), "data.calls.answers"]);
  if (run.exitCode !== 0) throw new Error(run.stderr.slice(0, 2_000));
  const theirs = readValue(run.stdout.trim()) as RegoObject;
  return calls.map((_, index) => {
    const answer = theirs.get(`${index}`);
    return answer === undefined ? undefined : canonical(answer);
  });
}

/** What a policy in WebAssembly gives for each of the calls, one evaluation after the other; `refused` where it stops. @param folder where it is built */
export async function wasmAnswers(opa: Opa, calls: readonly Call[], folder: string): Promise<readonly (string | undefined)[]> {
  const [source, built] = [join(folder, "wasm-calls.rego"), join(folder, "wasm-calls.tar.gz")];
  const arities = new Map(calls.map(([name, args]) => [name, args.length]));
  const rules = [...arities].map(([name, arity]) => `answer contains ${name}(${Array.from({ length: arity }, (_, at) => `input.args[${at}]`).join(", ")}) if input.name == "${name}"`);
  await writeFile(source, `package calls\n\n${rules.join("\n\n")}\n`);
  const run = await runOpa(opa, ["build", "--target", "wasm", "--entrypoint", "calls/answer", "--output", built, source]);
  if (run.exitCode !== 0) throw new Error(`${run.stdout}${run.stderr}`.slice(0, 2_000));
  const wasm = (await unpackFiles(await readFile(built))).get("policy.wasm");
  const module = await compileCorrected(new Uint8Array(wasm ?? []));
  let instance: RegoInstance | null = null;
  return calls.map(([name, args]) => {
    instance ??= new RegoInstance({ module, data: "{}", memoryLimitBytes: 64 << 20, hostCalls: hostCalls(ours) });
    try {
      const results = readValue(instance.evaluate("calls/answer", JSON.stringify({ name, args }), "value"));
      const found = results instanceof RegoSet ? results.members[0] : undefined;
      const members = found instanceof RegoObject ? found.get("result") : undefined;
      return members instanceof RegoSet && members.members[0] !== undefined ? canonical(members.members[0]) : undefined;
    } catch {
      instance = null;
      return "refused";
    }
  });
}

/** The same text for equal values; a set is the list that JSON has for it. */
function canonical(value: RegoValue): string {
  if (typeof value === "bigint") return `${Number(value)}`;
  if (value instanceof WrittenNumber) return value.text;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value instanceof RegoObject) return `{${value.entries.map(([key, of]) => `${canonical(key)}:${canonical(of)}`).join(",")}}`;
  return `[${(value instanceof RegoSet ? value.members : value).map(canonical).join(",")}]`;
}
