import type { Command } from "commander";
import { stringify } from "yaml";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { candidateOf, coveringPacks, pastDecision, readDecisions, readPolicy, Suggestions, withEntries, type Candidate, type PastDecision, type Suggestion } from "../../proxy/operator.ts";
import { sinceOption } from "../duration-option.ts";
import { policyPlace } from "../explain-details.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { auditRoot } from "../state-directory.ts";
import { oneLine } from "../terminal-text.ts";

interface SuggestOptions {
  readonly since: number;
  readonly agent?: string;
  readonly host?: string;
  readonly policy?: string;
  readonly audit?: string;
  readonly config?: string;
  readonly output: OutputFormat;
}

const HELP = `
Prints entries for data.yaml that would have allowed what was refused, with how often and when, and what else each opens. Nothing is changed: read them, narrow
them, and try them (weir policy test, replay). Metadata services, hidden names and entries with \`effect: deny\` are never worked around.

Example:
  weir policy suggest --since 1h --agent reviewer`;

/** `weir policy suggest` */
export function registerSuggest(policy: Command, io: Io): void {
  policy.command("suggest")
    .description("Propose entries for data.yaml from what was refused; applies nothing.")
    .addOption(sinceOption("1h", systemClock.nowMs()))
    .option("--agent <name>", "only this agent")
    .option("--host <host>", "only this host or name; `*.` in front stands for every name below")
    .option("-p, --policy <directory>", "policy folder; default that of the configuration")
    .option("--audit <directory>", "folder of a chain, or of several; default that of the configuration")
    .option("-c, --config <file>", "configuration; default ./weir.yaml if it exists")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .addHelpText("after", HELP)
    .action(async (options: SuggestOptions) => { await suggest(options, io); });
}

async function suggest(options: SuggestOptions, io: Io): Promise<void> {
  const { config } = loadConfig(options.config);
  const place = policyPlace(config, options.policy);
  const policy = place === null ? null : await readPolicy(place, { environment: io.environment, announce: io.err });
  if (policy === null || policy.folder === null) throw new UserError("entries can only be proposed for a policy folder", "Give the folder that the bundle is built from with --policy.", EXIT.usage);
  const root = options.audit ?? auditRoot(config, io.environment);
  const suggestions = new Suggestions();
  for await (const past of decisionsOf(root, options)) suggestions.add(past);
  const tried = await candidateOf(withEntries({ ...policy, folder: policy.folder }, suggestions.proposed()), { environment: io.environment, announce: io.err });
  await tryAll(tried, suggestions, decisionsOf(root, options));
  const found = suggestions.list().filter(({ allows, perhaps }) => allows + perhaps > 0);
  const refused = suggestions.list().filter(({ allows, perhaps }) => allows + perhaps === 0);
  if (options.output === "json") return io.out(JSON.stringify({ suggestions: found, refusedByOtherEntries: refused.map(({ example }) => example.subject), final: suggestions.final }, null, 2));
  await print({ found, refused, final: suggestions.final, dropped: suggestions.dropped }, io);
}

async function* decisionsOf(root: string, { since, agent, host }: SuggestOptions): AsyncGenerator<PastDecision> {
  for await (const record of readDecisions(root, { sinceMs: since, untilMs: Number.POSITIVE_INFINITY, filter: { denied: true, agent, host } })) {
    const past = pastDecision(record);
    if (past !== null) yield past;
  }
}

async function tryAll(candidate: Candidate, suggestions: Suggestions, decisions: AsyncIterable<PastDecision>): Promise<void> {
  for await (const past of decisions) if (past.verdict === "deny" && past.input !== null) suggestions.tried(await candidate.replay(past));
}

interface Printed {
  readonly found: readonly Suggestion[];
  readonly refused: readonly Suggestion[];
  readonly final: Readonly<Record<string, number>>;
  readonly dropped: number;
}

async function print({ found, refused, final, dropped }: Printed, io: Io): Promise<void> {
  io.out(found.length === 0 ? "# Nothing to propose." : "# Proposed from what was refused. Nothing was changed: take over what should be allowed.");
  for (const section of ["hosts", "addresses"] as const) {
    const entries = found.filter((one) => one.section === section);
    if (entries.length > 0) io.out(`${section}:`);
    for (const one of entries) await printEntry(one, io);
  }
  for (const { example: { subject, rule }, denials } of refused) {
    io.out(`# not proposed: ${denials} times ${oneLine(subject)} (rule ${oneLine(rule)}): another entry refuses it, or its record does not say enough`);
  }
  for (const [rule, count] of Object.entries(final)) io.out(`# never proposed: ${count} refused by ${oneLine(rule)}`);
  if (dropped > 0) io.out(`# not looked at: ${dropped} more, of too many kinds; narrow it with --agent, --host or --since`);
}

async function printEntry({ entry, denials, firstMs, lastMs, example, allows, perhaps, alsoAllows, alsoExample, opens }: Suggestion, io: Io): Promise<void> {
  const time = (atMs: number) => new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
  io.out(`  # ${denials} times, ${time(firstMs)} to ${time(lastMs)}, such as ${oneLine(example.id)}: ${oneLine(example.subject)}`);
  const more = perhaps === 0 ? "" : `, and ${perhaps} more as far as their records say`;
  const others = alsoAllows === 0 ? "" : `, and ${alsoAllows} other requests that were refused, such as ${oneLine(alsoExample ?? "")}`;
  io.out(`  # checked: it would have allowed ${allows} of them${more}${others}`);
  for (const open of opens) io.out(`  # it opens ${oneLine(open)}`);
  for (const { pack, levels } of await coveringPacks(example.host)) io.out(`  # or take up the pack ${pack}, which knows this host: packs: [{pack: ${pack}, access: ${levels.join(" or ")}}]`);
  const [first = "", ...following] = stringify(entry).trimEnd().split("\n");
  for (const line of [`  - ${first}`, ...following.map((next) => `    ${next}`)]) io.out(line);
}
