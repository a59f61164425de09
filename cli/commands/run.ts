import { resolve } from "node:path";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { agentEnvironment } from "../agent-environment.ts";
import { loadConfig } from "../load-config.ts";
import { openBoundary } from "../boundary.ts";
import type { Io } from "../io.ts";
import { watchForPlantedConfig } from "../planted-config.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { reportRefusals } from "../refusal-report.ts";
import { requireSandbox, runInSandbox } from "../governed-command.ts";

interface RunOptions {
  readonly config?: string;
  readonly policy?: string;
  readonly agent?: string;
  readonly thread?: string;
  readonly proxy?: string;
  readonly output: OutputFormat;
  readonly quiet?: boolean;
}

const HELP = `
COMMAND and everything it starts runs with all its network traffic intercepted, identified, decided by policy, credentialed, counted and audited.
It needs no proxy settings and no root. Nothing but what the policy allows leaves; without a policy everything is refused, with the reason.

Examples:
  weir run -- curl -s https://api.github.com/zen
  weir run --policy ./policy --agent reviewer -- claude
  weir run -o json -- npm test 2>events.jsonl

Refusals are printed on standard error as they happen, but not with --proxy: the proxy's own audit has them then. \`weir audit tail --denied\` shows them again,
\`weir explain ID\` says what would allow one.`;

export function registerRun(program: Command, io: Io): void {
  program.command("run")
    .summary("run a command inside the boundary")
    .description("Run COMMAND inside the boundary.")
    .usage("[options] -- COMMAND [ARG...]")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-p, --policy <path>", "policy folder (data.yaml, *.rego) or bundle (.tar.gz); overrides the configuration")
    .option("-a, --agent <name>", "name of the agent, as policy and audit see it")
    .option("-t, --thread <id>", "thread that this run belongs to; default: one of its own")
    .option("--proxy <socket>", "use the proxy that `weir up` runs at this Unix socket instead of starting one")
    .option("-q, --quiet", "do not print refusals")
    .option("-o, --output <format>", "format of what is printed on standard error: text or json", outputFormat, "text")
    .argument("<command...>", "the command and its arguments, after `--`")
    .passThroughOptions()
    .addHelpText("after", HELP)
    .action(async (command: string[], options: RunOptions) => { await run(command, options, io); });
}

function policyOverride(path: string | undefined): Record<string, unknown> {
  if (path === undefined) return {};
  const absolute = resolve(path);
  return { policy: absolute.endsWith(".tar.gz") ? { bundle: absolute } : { directory: absolute } };
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new UserError("the working directory does not exist any more", "Change to one that does.", EXIT.config, { cause });
  }
}

async function run(command: readonly string[], options: RunOptions, io: Io): Promise<void> {
  const loaded = loadConfig(options.config, policyOverride(options.policy));
  const cwd = workingDirectory();
  await requireSandbox();
  const report = reportRefusals(io, { format: options.output, quiet: options.quiet === true });
  const boundary = await openBoundary(loaded, io, {
    agentName: options.agent, thread: options.thread, proxySocket: options.proxy, onRecord: report.onRecord,
  });
  try {
    const { variables, hidden } = agentEnvironment(io.environment, loaded.config.sandbox.pass, boundary.environment);
    report.hiddenVariables(hidden);
    const setAside = watchForPlantedConfig(cwd);
    const exitCode = await runInSandbox(command, { boundary, loaded, environment: variables });
    const planted = setAside();
    if (planted !== null) report.plantedConfig(planted);
    io.exitWith(exitCode);
    report.finish(exitCode, boundary.auditDirectory);
  } catch (error) {
    io.exitWith(EXIT.failure);
    throw error;
  } finally {
    await boundary.close();
  }
}
