import type { Command } from "commander";
import { stringify } from "yaml";
import { systemClock } from "../../common/clock.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import {
  candidateOf, coveringPacks, pastDecision, readDecisions, readPolicy, regoThatAsks,
  Suggestions, withEntries, type Candidate, type PastDecision, type Suggestion,
} from "../../proxy/operator.ts";
import { sinceOption } from "../duration-option.ts";
import { policyPlace } from "../explain-details.ts";
import type { Io } from "../io.ts";
import { loadConfig } from "../load-config.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { oneLine } from "../terminal-text.ts";
import { noneFound, recordedFolder } from "./audited.ts";

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
them, and try them (weir policy test, replay). Metadata services, hidden names, entries with \`effect: deny\` and people whom an entry asks are never worked around.
Exit code: 0; 1 if nothing was ever recorded in the folder, or if nothing was refused to the agent, or of the host, that is named.
All chains of the folder are read: by default those of every \`weir run\` and \`weir up\` of this user, whatever their configuration (stateDirectory keeps them apart).

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
  const root = await recordedFolder(options, io);
  const suggestions = new Suggestions(policy);
  let looked = 0;
  for await (const past of decisionsOf(root, options)) {
    suggestions.add(past);
    looked += 1;
  }
  if (looked === 0) io.err(noneFound("refusal", root, options));
  if (looked === 0 && (options.agent ?? options.host) !== undefined) io.exitWith(EXIT.failure);
  const tried = await candidateOf(withEntries({ ...policy, folder: policy.folder }, suggestions.proposed()), { environment: io.environment, announce: io.err });
  await tryAll(tried, suggestions, decisionsOf(root, options));
  const found = suggestions.list().filter(({ allows, perhaps }) => allows + perhaps > 0);
  const refused = suggestions.list().filter(({ allows, perhaps }) => allows + perhaps === 0);
  if (options.output === "json") return io.out(JSON.stringify({ suggestions: found, refusedByOtherEntries: refused.map(({ example }) => example.subject), ...uncoveredBy(suggestions) }, null, 2));
  for (const file of found.length === 0 ? [] : regoThatAsks(policy.folder)) {
    io.out(`# ${oneLine(file)} asks people: an entry goes past them where its conditions do not hold. Read it before you take one over.`);
  }
  await print({ found, refused, ...uncoveredBy(suggestions), dropped: suggestions.dropped }, io);
}

/** What no entry is proposed for, rule by rule. */
function uncoveredBy({ final, standing, refusedByPeople }: Suggestions): Pick<Printed, "final" | "askAPerson" | "refusedByPeople"> {
  return { final, askAPerson: standing, refusedByPeople };
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
  readonly askAPerson: Readonly<Record<string, number>>;
  readonly refusedByPeople: Readonly<Record<string, number>>;
  readonly dropped: number;
}

const PROPOSED = "# Proposed from what was refused. Nothing was changed: put the entries that should be allowed under the same key of data.yaml.";

async function print({ found, refused, final, askAPerson, refusedByPeople, dropped }: Printed, io: Io): Promise<void> {
  io.out(found.length === 0 ? "# Nothing to propose." : PROPOSED);
  for (const section of ["hosts", "addresses"] as const) {
    const entries = found.filter((one) => one.section === section);
    if (entries.length > 0) io.out(`${section}:`);
    for (const one of entries) await printEntry(one, io);
  }
  for (const { example: { subject, rule }, denials } of refused) {
    io.out(`# not proposed: ${times(denials)} ${oneLine(subject)} (rule ${oneLine(rule)}): another entry refuses it, or its record does not say enough`);
  }
  for (const [rule, count] of Object.entries(final)) io.out(`# never proposed: ${count} refused by ${oneLine(rule)}`);
  for (const [rule, count] of Object.entries(askAPerson)) {
    io.out(`# never proposed: ${count} where rule ${oneLine(rule)} asks a person, and what it sets did not hold: change that entry if it shall cover them; one beside it would go past the person`);
  }
  for (const [rule, count] of Object.entries(refusedByPeople)) io.out(`# never proposed: ${count} that a person was asked about by rule ${oneLine(rule)}, and refused or did not answer`);
  if (dropped > 0) io.out(`# not looked at: ${dropped} more, of too many kinds; narrow it with --agent, --host or --since`);
}

async function printEntry({ entry, denials, firstMs, lastMs, example, asks, allows, perhaps, alsoAllows, alsoExample, opens }: Suggestion, io: Io): Promise<void> {
  const when = denials === 1 ? timeText(firstMs) : `${timeText(firstMs)} to ${timeText(lastMs)}, such as`;
  io.out(`  # ${times(denials)}, ${when} ${oneLine(example.id)}: ${oneLine(example.subject)}`);
  const more = perhaps === 0 ? "" : `, and ${perhaps} more as far as their records say`;
  const others = alsoAllows === 0 ? "" : `, and ${alsoAllows} other requests that were refused, such as ${oneLine(alsoExample ?? "")}`;
  const which = denials === 1 && allows === 1 ? "it" : `${allows} of them`;
  io.out(`  # checked: it would have ${asks === null ? "allowed" : "asked a person about"} ${which}${more}${others}`);
  if (asks !== null) io.out(`  # it asks a person, because rule ${oneLine(asks)} does`);
  for (const open of opens) io.out(`  # it opens ${oneLine(open)}`);
  for (const { pack, levels } of await coveringPacks(example.host)) io.out(`  # or take up the pack ${pack}, which knows this host: packs: [{pack: ${pack}, access: ${levels.join(" or ")}}]`);
  const [first = "", ...following] = stringify(entry).trimEnd().split("\n");
  for (const line of [`  - ${first}`, ...following.map((next) => `    ${next}`)]) io.out(line);
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
}
