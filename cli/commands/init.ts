import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { STARTER_POLICY_FILES } from "../../proxy/operator.ts";
import { PRESET_NAMES, presetFiles } from "../agent-presets.ts";
import type { Io } from "../io.ts";
import { STARTER_CONFIG } from "../starter-config.ts";

const HELP = `
Writes weir.yaml (commented), policy/data.yaml (what agents may reach) and a test of that policy. Nothing that exists is overwritten.
With --for they are what a stock agent needs, and nothing else: its model can be asked, with a key that it never sees.

Then:
  weir doctor
  weir policy test policy
  weir run -- curl -s https://example.com/`;

/** What is written, by path below the directory, and what to do next. */
interface Starter {
  readonly files: ReadonlyMap<string, string>;
  readonly next: readonly string[];
}

export function registerInit(program: Command, io: Io): void {
  program.command("init")
    .summary("write a starter weir.yaml, policy and policy test")
    .description("Write a commented starter: weir.yaml, a policy, and a test of that policy.")
    .option("--for <agents>", `stock agents that will run, separated by commas: ${PRESET_NAMES.join(", ")}`)
    .argument("[directory]", "where to write", ".")
    .addHelpText("after", HELP)
    .action((directory: string, options: { readonly for?: string }) => { init(directory, options.for, io); });
}

function init(directory: string, agents: string | undefined, io: Io): void {
  const { files, next } = agents === undefined ? plainStarter() : agentStarter(agents);
  const taken = [...files.keys()].filter((name) => existsSync(join(directory, name)));
  if (taken.length > 0) {
    throw new UserError(`already there: ${taken.join(", ")}`, "Move them away or choose another folder: `weir init DIRECTORY`.", EXIT.failure);
  }
  for (const [name, text] of files) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: "wx" });
    io.out(`wrote ${relative(process.cwd(), path) || path}`);
  }
  io.out(`\nNext: ${next.map((command) => io.colors.bold(command)).join(", then ")}`);
}

function plainStarter(): Starter {
  const policy = Object.entries(STARTER_POLICY_FILES).map(([name, text]) => [join("policy", name), text] as const);
  return { files: new Map([["weir.yaml", STARTER_CONFIG], ...policy]), next: ["weir doctor", "weir run -- curl -s https://example.com/"] };
}

function agentStarter(agents: string): Starter {
  const { config, policyData, policyTest, secretFiles, commands } = presetFiles(agents);
  // `cat` waits for the key to be pasted: it shall not be in the shell's history.
  const keys = `(umask 077; mkdir -p secrets; ${secretFiles.map((file) => `cat > ${file}`).join("; ")})`;
  return {
    files: new Map([["weir.yaml", config], [join("policy", "data.yaml"), policyData], [join("policy", "data_test.yaml"), policyTest]]),
    next: [keys, ...commands.map((command) => `weir run -- ${command}`)],
  };
}
