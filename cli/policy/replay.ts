import { resolve } from "node:path";
import type { Command } from "commander";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { CHANGES, openCandidate, pastDecision, readDecisions, ReplayTotals, type Candidate, type ReplayReport } from "../../proxy/operator.ts";
import { momentBefore, sinceOption } from "../duration-option.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { noneFound, recordedFolder } from "./audited.ts";
import { printReplay } from "./replay-report.ts";

interface ReplayOptions {
  readonly bundle?: string;
  readonly policy?: string;
  readonly since: number;
  readonly until?: number;
  readonly agent?: string;
  readonly host?: string;
  readonly audit?: string;
  readonly config?: string;
  readonly failOnChange?: true;
  readonly output: OutputFormat;
}

const HELP = `
Nothing is sent and nothing is changed: the recorded decisions are made again by the other policy, each as of its own time. What the audit does not hold
(audit.policyInput) and the other policy may look at makes a decision uncertain; such are counted apart, by what is missing.

Exit code: 0; 1 if nothing was ever recorded in the folder; with --fail-on-change also 1 if a decision changes or is uncertain, or if there was none to replay.

Examples:
  weir policy replay --policy policy-next --since 7d
  weir policy replay --bundle new.tar.gz --agent reviewer -o json --fail-on-change`;

/** Decisions between two signs of life on a terminal. */
const PROGRESS_EVERY = 20_000;

/** `weir policy replay` */
export function registerReplay(policy: Command, io: Io): void {
  policy.command("replay")
    .description("Say what another policy would have decided of the requests of a time, by the audit.")
    .option("-b, --bundle <file>", "built bundle")
    .option("-p, --policy <directory>", "policy folder")
    .addOption(sinceOption("24h", systemClock.nowMs()))
    .option("--until <when>", "until when; default now", momentBefore(systemClock.nowMs()))
    .option("--agent <name>", "only this agent")
    .option("--host <host>", "only this host or name; `*.` in front stands for every name below")
    .option("--audit <directory>", "folder of a chain, or of several; default that of the configuration")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("--fail-on-change", "exit 1 if a decision changes or is uncertain, or none was replayed")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .addHelpText("after", HELP)
    .action(async (options: ReplayOptions) => { await replay(options, io); });
}

async function replay(options: ReplayOptions, io: Io): Promise<void> {
  const path = onePolicy(options);
  const candidate = await openCandidate(resolve(path), { environment: io.environment, announce: io.err });
  const root = await recordedFolder(options, io);
  const report = await replayAudit(candidate, { ...options, root }, io);
  printReplay(report, options.output, io);
  const { decisions, withoutInput } = report;
  if (decisions === 0) io.err(noneFound("decision", root, options));
  else if (decisions === withoutInput) io.err("nothing was replayed: no record keeps what policy was asked (audit.policyInput)");
  const isChanged = decisions === withoutInput || report.uncertain.total > 0 || CHANGES.some((change) => report.newly[change].total > 0);
  if (options.failOnChange === true && isChanged) io.exitWith(EXIT.failure);
}

function onePolicy({ bundle, policy }: ReplayOptions): string {
  const path = bundle ?? policy;
  if (path === undefined || (bundle !== undefined && policy !== undefined)) throw new UserError("which policy?", "Give --bundle FILE or --policy DIRECTORY.", EXIT.usage);
  return path;
}

async function replayAudit(candidate: Candidate, { root, since, until, agent, host }: ReplayOptions & { readonly root: string }, io: Io): Promise<ReplayReport> {
  const totals = new ReplayTotals();
  let replayed = 0;
  for await (const record of readDecisions(root, { sinceMs: since, untilMs: until ?? Number.POSITIVE_INFINITY, filter: { agent, host } })) {
    const past = pastDecision(record);
    if (past === null) continue;
    totals.add(await candidate.replay(past));
    replayed += 1;
    if (replayed % PROGRESS_EVERY === 0) io.err(`${replayed} decisions, up to ${new Date(record.timeMs).toISOString()}`);
  }
  return totals.report(candidate.revision, candidate.basis);
}
