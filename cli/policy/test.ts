import { resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT } from "../../common/exit-codes.ts";
import { checkPolicyFolder, readFolderPacks, readTrialHead, runCases, runPackCases, runRegoTests } from "../../proxy/operator.ts";
import { count } from "../count.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { openEngine } from "./open-engine.ts";

interface TestOptions {
  readonly coverage?: boolean;
  readonly output: OutputFormat;
}

/** `weir policy test` */
export function registerTest(policy: Command, io: Io): void {
  policy.command("test").argument("<directory>", "policy folder").option("-o, --output <format>", "text or json", outputFormat, "text")
    .option("--coverage", "say how much of the Rego the tests reach, and which lines not")
    .description("Run the cases of *_test.yaml and packs/*_test.yaml through the engine, and *_test.rego through `opa test`, which is OPA's interpreter.")
    .action(async (directory: string, options: TestOptions) => { await test(directory, options, io); });
}

async function test(directory: string, { coverage, output }: TestOptions, io: Io): Promise<void> {
  await checkPolicyFolder(directory, io.environment, io.err);
  const engine = await openEngine({ directory: resolve(directory) }, io);
  const context = { time: new Date(systemClock.nowMs()), readHead: readTrialHead };
  const cases = [...await runCases(directory, engine, context), ...await runPackCases(directory, await readFolderPacks(directory), context)];
  const rego = await runRegoTests(directory, { environment: io.environment, announce: io.err, coverage: coverage === true });
  const failed = cases.filter(({ failure }) => failure !== null);
  if (output === "json") {
    io.out(JSON.stringify({ cases, rego }, null, 2));
  } else {
    for (const { file, line, access, name, failure } of failed) {
      const [at, level] = [typeof line === "number" ? `:${line}` : "", access === undefined ? "" : ` (access: ${access})`];
      io.out(`${io.colors.red("FAIL")} ${file}${at}${level}: ${name}\n     ${failure}`);
    }
    if (rego !== null) printRego(rego, io);
    if (cases.length === 0 && rego === null) io.err(`${directory} holds no test: write cases into data_test.yaml (\`weir init\` shows how)`);
    io.out(`${count(cases.length - failed.length, "case", "cases")} passed, ${failed.length} failed`);
  }
  if (failed.length > 0 || rego?.passed === false) io.exitWith(EXIT.failure);
}

function printRego({ report, coverage }: NonNullable<Awaited<ReturnType<typeof runRegoTests>>>, io: Io): void {
  io.out(report.trimEnd());
  io.err("*_test.rego ran in OPA's interpreter, the boundary runs WebAssembly: docs/policy-builtins.md lists where they differ; cases in *_test.yaml run as the boundary does");
  if (coverage === undefined) return;
  for (const { file, missedLines } of coverage.files) if (missedLines.length > 0) io.out(`${file}: no test reaches line ${missedLines.join(", ")}`);
  io.out(`${coverage.percent.toFixed(1)} % of the Rego is reached by its tests`);
}
