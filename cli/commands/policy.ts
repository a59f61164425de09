import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT } from "../../common/exit-codes.ts";
import { silentLog } from "../../common/log.ts";
import {
  buildPolicy, checkPolicyFolder, describeStep, formatPolicy, parseTrial, policyConfig, ReloadingPolicyEngine, runCases, runRegoTests, runTrial, type PolicyEngine,
} from "../../proxy/operator.ts";
import { loadConfig } from "../load-config.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";

const HELP = `
A policy is a folder: data.yaml (what may be reached) for the library that comes with Weir, and *.rego of your own where data is not enough.
Data alone needs no compiler. Rego is compiled by opa: WEIR_OPA, PATH, Weir's tool cache, or built once by Go.

Examples:
  weir policy check policy
  weir policy test policy
  weir policy try --policy policy --host api.github.com --method POST --path /user
  weir policy build policy -o policy.tar.gz`;

export function registerPolicy(program: Command, io: Io): void {
  const policy = program.command("policy").summary("check, test, ask and build policies").description("Check, test, ask and build policies.").addHelpText("after", HELP);
  registerCheck(policy, io);
  registerTest(policy, io);
  registerTry(policy, io);
  registerBuild(policy, io);
  registerFormat(policy, io);
}

function registerCheck(policy: Command, io: Io): void {
  policy.command("check").argument("<directory>", "policy folder")
    .description("Check data.yaml against its schema and Rego against the library and the input's schema; every problem at once.")
    .action(async (directory: string) => {
      const { entries, regoFiles } = await checkPolicyFolder(directory, io.environment, io.err);
      io.out(`${directory}: fit; ${count(entries, "entry", "entries")}, ${count(regoFiles, "Rego file", "Rego files")}`);
    });
}

function registerTest(policy: Command, io: Io): void {
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

interface TryOptions {
  readonly config?: string;
  readonly policy?: string;
  readonly host: string;
  readonly port?: number;
  readonly scheme?: string;
  readonly opaque?: boolean;
  readonly database?: string;
  readonly user?: string;
  readonly method?: string;
  readonly path?: string;
  readonly websocket?: boolean;
  readonly agent?: string;
  readonly output: OutputFormat;
}

function registerTry(policy: Command, io: Io): void {
  policy.command("try")
    .description("Ask the policy what it says of a request, without sending anything. Exits 0 if it is allowed, 3 if it is denied.")
    .requiredOption("--host <name>", "host that the agent connects to, or an address that it dials by itself")
    .option("--port <port>", "default 443, 80 for http, 5432 for PostgreSQL", portNumber)
    .option("--scheme <scheme>", "https or http", "https")
    .option("--opaque", "a protocol that is none of TLS, HTTP and PostgreSQL")
    .option("--database <name>", "database that a PostgreSQL client asks for")
    .option("--user <name>", "name that a PostgreSQL client calls itself")
    .option("--method <method>", "method of the request; without it only name and connection are asked about")
    .option("--path <path>", "path of the request", "/")
    .option("--websocket", "the request opens a WebSocket")
    .option("--agent <name>", "agent, as NAME or NAMESPACE/NAME")
    .option("-p, --policy <path>", "policy folder or bundle; overrides the configuration")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .action(async (options: TryOptions) => { await tryRequest(options, io); });
}

async function tryRequest(options: TryOptions, io: Io): Promise<void> {
  const { config } = loadConfig(options.config);
  const engine = await openEngine(options.policy === undefined ? config.policy : placeOf(options.policy), io);
  const agent = options.agent ?? config.agent.name;
  const asked = parseTrial({
    host: options.host, port: options.port, scheme: options.scheme, wire: options.opaque === true ? "opaque" : undefined,
    database: options.database, user: options.user, method: options.method, path: options.path, websocket: options.websocket,
    agent: agent.includes("/") ? agent : `${config.agent.namespace}/${agent}`, labels: config.agent.labels,
  });
  const steps = await runTrial(engine, asked, new Date(systemClock.nowMs()));
  const { decision } = steps.at(-1) ?? steps[0];
  if (options.output === "json") {
    io.out(JSON.stringify({ decision, steps }, null, 2));
  } else {
    for (const step of steps) io.out(describeStep(step));
    if (decision.kind === "deny" && decision.hint !== "") io.out(`hint: ${decision.hint}`);
    if (decision.kind === "allow" && decision.grants.length > 0) io.out(`lends: ${decision.grants.join(", ")}`);
  }
  if (decision.kind === "deny") io.exitWith(EXIT.denied);
}

function registerBuild(policy: Command, io: Io): void {
  policy.command("build").argument("<directory>", "policy folder").requiredOption("-o, --output <file>", "bundle to write")
    .description("Build a policy folder into one bundle that needs no compiler where it is used.")
    .action(async (directory: string, options: { output: string }) => {
      const { revision, packed } = await buildPolicy(directory, io.environment, io.err);
      await writeFile(options.output, packed);
      io.out(`${options.output}: revision ${revision}, ${packed.byteLength} bytes`);
    });
}

function registerFormat(policy: Command, io: Io): void {
  policy.command("fmt").argument("<directory>", "policy folder").option("--check", "change nothing; exit 1 if a file is not formatted")
    .description("Format the Rego files of a policy folder as `opa fmt` does.")
    .action(async (directory: string, options: { check?: boolean }) => {
      const changed = await formatPolicy(directory, { environment: io.environment, announce: io.err, check: options.check === true });
      for (const file of changed) io.out(file);
      if (options.check === true && changed.length > 0) io.exitWith(EXIT.failure);
    });
}

function placeOf(path: string): { bundle: string } | { directory: string } {
  const absolute = resolve(path);
  return absolute.endsWith(".tar.gz") ? { bundle: absolute } : { directory: absolute };
}

function openEngine(section: Parameters<typeof policyConfig.parse>[0], io: Io): Promise<PolicyEngine> {
  return ReloadingPolicyEngine.open(policyConfig.parse(section), { log: silentLog, clock: systemClock, environment: io.environment });
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError("it is a number from 1 to 65535.");
  return port;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
