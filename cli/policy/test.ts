import { resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT } from "../../common/exit-codes.ts";
import { checkPolicyFolder, runCases, runRegoTests } from "../../proxy/operator.ts";
import { count } from "../count.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { openEngine } from "./open-engine.ts";

/** `weir policy test` */
export function registerTest(policy: Command, io: Io): void {
  policy.command("test").argument("<directory>", "policy folder").option("-o, --output <format>", "text or json", outputFormat, "text")
    .description("Run the cases of *_test.yaml through the engine, and *_test.rego through `opa test`.")
    .action(async (directory: string, options: { output: OutputFormat }) => { await test(directory, options.output, io); });
}

async function test(directory: string, output: OutputFormat, io: Io): Promise<void> {
  await checkPolicyFolder(directory, io.environment, io.err);
  const engine = await openEngine({ directory: resolve(directory) }, io);
  const cases = await runCases(directory, engine, new Date(systemClock.nowMs()));
  const rego = await runRegoTests(directory, io.environment, io.err);
  const failed = cases.filter(({ failure }) => failure !== null);
  if (output === "json") {
    io.out(JSON.stringify({ cases, rego }, null, 2));
  } else {
    for (const { file, name, failure } of failed) io.out(`${io.colors.red("FAIL")} ${file}: ${name}\n     ${failure}`);
    if (rego !== null) io.out(rego.report.trimEnd());
    if (cases.length === 0 && rego === null) io.err(`${directory} holds no test: write cases into data_test.yaml (\`weir init\` shows how)`);
    io.out(`${count(cases.length - failed.length, "case", "cases")} passed, ${failed.length} failed`);
  }
  if (failed.length > 0 || rego?.passed === false) io.exitWith(EXIT.failure);
}
