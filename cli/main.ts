import { Command, CommanderError } from "commander";
import { EXIT, UserError } from "../common/exit-codes.ts";
import { describeError } from "../common/lifecycle.ts";
import { refuseUnfitRuntime } from "../common/runtime.ts";
import { VERSION } from "../common/version.ts";
import { registerAgents } from "./commands/agents.ts";
import { registerApprovals } from "./commands/approvals.ts";
import { registerAudit } from "./commands/audit.ts";
import { registerBudget } from "./commands/budget.ts";
import { registerCred } from "./commands/cred.ts";
import { registerDoctor } from "./commands/doctor.ts";
import { registerExplain } from "./commands/explain.ts";
import { registerInit } from "./commands/init.ts";
import { registerPolicy } from "./commands/policy.ts";
import { registerRevoke } from "./commands/revoke.ts";
import { registerRun } from "./commands/run.ts";
import { registerThreads } from "./commands/threads.ts";
import { registerTop } from "./commands/top.ts";
import { registerUp } from "./commands/up.ts";
import type { Io } from "./io.ts";
import { machineTrouble } from "./machine-trouble.ts";

/** In the order of the help. */
const COMMANDS = [
  registerInit, registerRun, registerUp, registerDoctor, registerPolicy, registerAudit, registerExplain, registerCred, registerRevoke, registerAgents, registerThreads, registerBudget,
  registerApprovals, registerTop,
];

const HELP_TAIL = `
Start here:
  weir init                              write a starter weir.yaml, policy and policy test
  weir doctor                            see whether this machine can do it, and what to mend
  weir run -- curl https://example.com   run any command inside the boundary

On Kubernetes (docs/kubernetes.md):
  weir doctor --cluster                  see what an installation does and lacks
  weir agents -A                         the agents that there are
  weir threads create AGENT -m '...'     wake one with a message

Exit codes: 0 ok, 1 failure, 2 usage, 3 denied (\`policy try\`, \`explain --url\`), 69 this machine lacks something, or nobody answers, 78 configuration;
\`weir run\` exits with the code of COMMAND (128+N if signal N ended it).
More: README.md, docs/configuration.md, SECURITY.md`;

/** The operator's tool. Never throws; sets the exit code. */
export async function main(argv: readonly string[], io: Io): Promise<void> {
  const program = new Command("weir")
    .description("The boundary around AI agents: full power inside, one governed way out.")
    .version(VERSION, "-V, --version")
    .addHelpText("after", HELP_TAIL)
    .enablePositionalOptions()
    .exitOverride();
  for (const register of COMMANDS) register(program, io);
  pointToHelp(program, "weir");
  try {
    refuseUnfitRuntime();
    await program.parseAsync(argv);
  } catch (error) {
    report(error, io);
  }
}

/** Wrong arguments of a command are told with the help of that command. */
function pointToHelp(command: Command, called: string): void {
  command.showHelpAfterError(`(see \`${called} --help\`)`);
  for (const below of command.commands) pointToHelp(below, `${called} ${below.name()}`);
}

function report(error: unknown, io: Io): void {
  if (error instanceof CommanderError) {
    io.exitWith(error.exitCode === 0 ? EXIT.ok : EXIT.usage);
  } else if (error instanceof UserError) {
    io.err(`${io.errColors.red("weir:")} ${error.message}`);
    io.err(`  ${error.hint}`);
    io.exitWith(error.exitCode);
  } else {
    const hint = machineTrouble(error);
    io.err(`${io.errColors.red("weir:")} ${hint === null ? "internal error: " : ""}${describeError(error)}`);
    if (hint !== null) io.err(`  ${hint}`);
    else if (error instanceof Error) io.err(error.stack ?? "");
    io.exitWith(EXIT.failure);
  }
}
