import { accessSync, constants } from "node:fs";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { describeError } from "../../common/lifecycle.ts";
import { silentLog } from "../../common/log.ts";
import { isFitRuntime } from "../../common/runtime.ts";
import { checkPolicy, findOpa, namesOf, policyConfig, policyData, readPolicyFolder } from "../../proxy/operator.ts";
import { checkBudgets } from "../budget/check-budgets.ts";
import { withCluster } from "../cluster/cluster-connection.ts";
import { withInstallationOptions, type InstallationOptions } from "../cluster/cluster-options.ts";
import { examineCluster } from "../cluster/doctor/examine.ts";
import { printFindings } from "../cluster/doctor/print-findings.ts";
import { loadConfig, type LoadedConfig } from "../load-config.ts";
import type { Io } from "../io.ts";
import { missingNames } from "../policy/missing-names.ts";
import { checkSandbox, type Finding } from "../sandbox/check.ts";
import { stateDirectory } from "../state-directory.ts";

const HELP = `
Checks what \`weir run\` needs of this machine and of the configuration, one line each, with the command that mends it.
Exit code: 0 everything needed is there, 69 something of the machine is missing, 78 the configuration is wrong.

With --cluster it looks at everything that an installation consists of, changes nothing, and says of each part whether it is ok, worth a look
(warn; also what you have no right to see), or broken (FAIL), and what to do. Exit code: 0 nothing is broken, 1 something is, 69 the cluster does not answer.

Examples:
  weir doctor
  weir doctor --cluster --context production
  weir doctor --cluster -o json | jq '.findings[] | select(.state != "ok")'`;

interface DoctorOptions extends InstallationOptions {
  readonly config?: string;
  readonly cluster?: true;
}

/** Said on every machine, because it is true on every machine (SECURITY.md has the whole list). */
const NOT_ISOLATED = [
  "files: the agent reads what you can read and writes your home and working directory, except what `sandbox.hide` and Weir's own state take away",
  "what it leaves behind: a git hook, a shell start file or a program in ~/.local/bin runs with your rights when you use it outside",
  "the terminal: what it prints reaches yours with all escape sequences",
  "CPU, memory and disk: no limits of its own",
  "Unix sockets that a program of the host opens after the start, anywhere but in /tmp, /var/tmp and /run; `sandbox.unixSockets: deny` closes that too",
  "the kernel: it is shared; a kernel fault is a way out",
];

export function registerDoctor(program: Command, io: Io): void {
  const command = program.command("doctor")
    .summary("check this machine and the configuration, or a cluster")
    .description("Check what this machine and the configuration lack, or what an installation on Kubernetes does.")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("--cluster", "check an installation on Kubernetes instead");
  withInstallationOptions(command)
    .addHelpText("after", HELP)
    .action(async (options: DoctorOptions) => {
      if (options.cluster === true) return examine(options, io);
      const machine = [runtimeFinding(), ...(await checkSandbox()), await opaFinding(io)];
      const configuration = await configurationFindings(options.config, io);
      print([...machine, ...configuration], options.output, io);
      if (machine.some((finding) => !finding.ok && !finding.optional)) io.exitWith(EXIT.unavailable);
      else if (configuration.some((finding) => !finding.ok)) io.exitWith(EXIT.config);
    });
}

async function examine(options: InstallationOptions, io: Io): Promise<void> {
  const findings = await withCluster(options, examineCluster);
  printFindings(findings, options.output, io);
  if (findings.some(({ state }) => state === "fail")) io.exitWith(EXIT.failure);
}

function runtimeFinding(): Finding {
  const version = process.versions.node;
  return { name: "node", ok: isFitRuntime(version), detail: version, fix: "npm ci && npx weir doctor" };
}

async function opaFinding({ environment }: Io): Promise<Finding> {
  const opa = await findOpa(environment);
  return { name: "opa", ok: opa !== null, optional: true, detail: opa === null ? "not found; only needed to compile policies of your own in Rego" : `${opa.version} at ${opa.path}`,
    fix: "put opa on PATH, set WEIR_OPA, or install Go: it is then built once" };
}

async function configurationFindings(named: string | undefined, io: Io): Promise<Finding[]> {
  const attempt = async (name: string, work: () => Promise<string> | string): Promise<Finding> => {
    try {
      return { name, ok: true, detail: await work(), fix: "" };
    } catch (error) {
      // One part that cannot be looked at must not hide what there is to say of the others.
      if (!(error instanceof UserError)) return { name, ok: false, detail: `internal error: ${describeError(error)}`, fix: "this is a fault of Weir; report it" };
      return { name, ok: false, detail: error.message, fix: error.hint };
    }
  };
  let loaded: LoadedConfig | undefined;
  const config = await attempt("configuration", () => {
    loaded = loadConfig(named);
    return loaded.file ?? "no weir.yaml here; the defaults hold and refuse everything";
  });
  if (loaded === undefined) return [config];
  const { config: values } = loaded;
  const policy = await attempt("policy", async () => checkPolicy(values.policy, io.environment));
  // What is wrong with the policy is said once.
  const readable = policy.ok ? values : { ...values, policy: policyConfig.parse({}) };
  return [
    config, policy,
    await attempt("grants", async () => checkGrants(readable)),
    await attempt("state directory", () => writableState(stateDirectory(values, io.environment))),
    await attempt("budgets", async () => checkBudgets(readable, stateDirectory(values, io.environment), silentLog)),
  ];
}

/** @throws UserError if the policy lends what is not configured: such requests would be refused when they come */
async function checkGrants({ grants, budgets, policy }: LoadedConfig["config"]): Promise<string> {
  const data = policy.directory === undefined ? policy.data ?? policyData.parse({}) : (await readPolicyFolder(policy.directory)).data;
  const missing = missingNames({ grants, budgets }, { grants: namesOf(data).grants, budgets: [] });
  if (missing.length > 0) throw new UserError(missing.join("; "), "Add it to grants (docs/credentials.md), or take it out of the policy.", EXIT.config);
  return `${Object.keys(grants).length} configured`;
}

function writableState(path: string): string {
  try {
    accessSync(path, constants.W_OK);
    return path;
  } catch (error) {
    throw new UserError(`${path} is not writable`, "Choose another with `stateDirectory:` in weir.yaml.", EXIT.config, { cause: error });
  }
}

function print(findings: readonly Finding[], format: "text" | "json", io: Io): void {
  if (format === "json") {
    io.out(JSON.stringify({ findings, notIsolated: NOT_ISOLATED }, null, 2));
    return;
  }
  const width = Math.max(...findings.map((finding) => finding.name.length));
  for (const finding of findings) {
    const mark = finding.ok ? io.colors.green("ok  ") : finding.optional === true ? io.colors.yellow("note") : io.colors.red("FAIL");
    io.out(`${mark} ${finding.name.padEnd(width)}  ${finding.detail}`);
    if (!finding.ok) io.out(`     ${" ".repeat(width)}  mend: ${finding.fix}`);
  }
  io.out("\nNot isolated by the local sandbox:");
  for (const line of NOT_ISOLATED) io.out(`  - ${line}`);
}
