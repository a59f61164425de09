import { InvalidArgumentError, type Command } from "commander";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { latestCheckpoint, listAuditChains, rotateAuditKey, tailAudit, verifyAudit, type AuditEntry, type VerifyReport } from "../../proxy/operator.ts";
import { auditTable } from "../audit-table.ts";
import { untilInterrupted } from "../interrupted.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { auditRoot } from "../state-directory.ts";

interface CommonOptions {
  readonly config?: string;
}

interface TailCommandOptions extends CommonOptions {
  readonly follow?: true;
  readonly denied?: true;
  readonly ids?: true;
  readonly all?: true;
  readonly agent?: string;
  readonly host?: string;
  readonly lines: number;
  readonly output: OutputFormat;
}

type TailOptions = Parameters<typeof tailAudit>[1];

interface VerifyCommandOptions extends CommonOptions {
  readonly checkpoint?: string;
  readonly key?: string;
  readonly output: OutputFormat;
}

const TAIL_HELP = `
Without DIRECTORY the chain that was written last is read; every \`weir run\` has one of its own, and --all reads them all. -o json prints the stored records (OCSF events), one a line, unchanged.

Example:
  weir audit tail --denied --all --ids
  weir audit tail -f --host '*.github.com' -o json | jq .http_request.url.path`;

const VERIFY_HELP = `
Without DIRECTORY every chain of this machine is checked. Hashes alone do not show that the end was cut off or that everything was replaced:
give a checkpoint that was kept elsewhere (audit.witnessDirectory, the SIEM, \`weir audit checkpoint\`) and the public key (signing.pub) of then.
tools/verify_audit.py checks the same without any of Weir's code.

Exit code: 0 every chain is whole, 1 one is not.`;

const CHECKPOINT_HELP = `
Prints the newest signed checkpoint of a chain (c2sp.org/tlog-checkpoint). Keep it where this machine cannot write;
\`weir audit verify --checkpoint FILE\` then shows any change of what it covers.`;

export function registerAudit(program: Command, io: Io): void {
  const audit = program.command("audit").summary("read, check and witness what was recorded").description("Read, check and witness the audit chains of this machine.");
  audit.command("tail")
    .description("Show the newest records.")
    .argument("[directory]", "folder of a chain, or of several")
    .option("-f, --follow", "go on with what is written from now on")
    .option("--denied", "only what was refused")
    .option("--ids", "show the ids that `weir explain` takes")
    .option("--all", "of all chains, not of the last alone; without --follow")
    .option("--agent <name>", "only this agent")
    .option("--host <host>", "only this host or name; `*.` in front stands for every name below")
    .option("-n, --lines <number>", "how many", lineCount, 20)
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .addHelpText("after", TAIL_HELP)
    .action(async (directory: string | undefined, options: TailCommandOptions) => { await tail(directory, options, io); });
  audit.command("verify")
    .description("Check that every record is as it was written.")
    .argument("[directory]", "folder of a chain, or of several")
    .option("--checkpoint <file>", "checkpoints that were kept elsewhere")
    .option("--key <file>", "public key that was kept elsewhere; default: the one beside the chain")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .addHelpText("after", VERIFY_HELP)
    .action(async (directory: string | undefined, options: VerifyCommandOptions) => { await verify(directory, options, io); });
  registerKeeping(audit, io);
}

function registerKeeping(audit: Command, io: Io): void {
  audit.command("checkpoint")
    .description("Print the newest signed checkpoint.")
    .argument("[directory]", "folder of a chain, or of several")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .addHelpText("after", CHECKPOINT_HELP)
    .action(async (directory: string | undefined, options: CommonOptions) => { io.out((await latestCheckpoint(await newestChain(directory, options, io))).trimEnd()); });
  audit.command("rotate-key")
    .description("Replace the key that signs checkpoints; the chain records it. The proxy that writes the chain must be stopped.")
    .argument("[directory]", "folder of a chain, or of several")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .action(async (directory: string | undefined, options: CommonOptions) => { io.out(await rotateAuditKey(await newestChain(directory, options, io))); });
}

async function tail(directory: string | undefined, options: TailCommandOptions, io: Io): Promise<void> {
  if (options.all === true && options.follow === true) throw new UserError("--all ends where the records end", "Leave out --all or --follow.", EXIT.usage);
  const chains = await chainsOf(directory, options, io);
  const { denied, agent, host } = options;
  const print = options.output === "json" ? ({ json }: { readonly json: string }) => { io.out(json); } : auditTable(io, options.ids === true);
  const [chain = ""] = chains;
  const wanted = { filter: { denied, agent, host }, limit: options.lines };
  let shown = 0;
  for await (const entry of options.all === true ? newestOf(chains, wanted) : tailAudit(chain, { ...wanted, ...(options.follow === true ? { follow: untilInterrupted() } : {}) })) {
    print(entry);
    shown += 1;
  }
  if (shown === 0) io.err(options.all === true ? "no such record in any chain" : `no such record in ${chain}; other runs have chains of their own: --all reads them`);
}

/** The newest entries of several chains, the newest chain last. @param chains the newest first */
async function* newestOf(chains: readonly string[], { filter, limit }: Required<Pick<TailOptions, "filter" | "limit">>): AsyncGenerator<AuditEntry> {
  const found: AuditEntry[] = [];
  for (const chain of chains) {
    if (found.length >= limit) break;
    const some: AuditEntry[] = [];
    for await (const entry of tailAudit(chain, { filter, limit: limit - found.length })) some.push(entry);
    found.unshift(...some);
  }
  yield* found;
}

async function verify(directory: string | undefined, options: VerifyCommandOptions, io: Io): Promise<void> {
  const chains = await chainsOf(directory, options, io);
  if (options.checkpoint !== undefined && chains.length > 1) {
    throw new UserError("a checkpoint belongs to one chain, and there are several here", `Name its folder, for example: weir audit verify --checkpoint FILE ${chains[0] ?? ""}`, EXIT.usage);
  }
  for (const chain of chains) {
    const report = await verifyAudit(chain, { checkpointFile: options.checkpoint, publicKeyFile: options.key });
    if (options.output === "json") io.out(JSON.stringify(report));
    else for (const line of reportLines(report, io)) io.out(line);
    if (report.problem !== null) io.exitWith(EXIT.failure);
  }
}

function reportLines(report: VerifyReport, io: Io): string[] {
  const { problem, records, checkpoints, checkpointSize, firstSequence, unfinishedBytes, directory } = report;
  if (problem !== null) {
    return [`${io.colors.red("broken")} at record ${problem.sequence}: ${problem.damage}: ${problem.detail}`, `  ${directory}: ${records} records before it are whole`];
  }
  const beyond = firstSequence + records - checkpointSize;
  return [
    `${io.colors.green("whole")} ${records} records, ${checkpoints} signed ${checkpoints === 1 ? "checkpoint" : "checkpoints"}${beyond > 0 ? `, ${beyond} records after the last of them` : ""}`,
    `  ${directory}`,
    ...(firstSequence > 0 ? [`  records before ${firstSequence} were given up by retention`] : []),
    ...(unfinishedBytes > 0 ? [`  the last line is unfinished (${unfinishedBytes} bytes): a writer is at work, or died; nobody was told that it is recorded`] : []),
  ];
}

async function chainsOf(directory: string | undefined, options: CommonOptions, io: Io): Promise<string[]> {
  const root = directory ?? auditRoot(loadConfig(options.config).config, io.environment);
  const chains = await listAuditChains(root);
  if (chains.length === 0) throw new UserError(`nothing is recorded in ${root}`, "Run something with `weir run`, or name the folder of a chain.");
  return chains;
}

async function newestChain(directory: string | undefined, options: CommonOptions, io: Io): Promise<string> {
  const [newest = ""] = await chainsOf(directory, options, io);
  return newest;
}

function lineCount(value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new InvalidArgumentError("it is a number from 1 on.");
  return Number(value);
}
