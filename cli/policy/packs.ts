import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { stringify } from "yaml";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { entriesOf, exampleUse, readFolderPacks, type FoundPack } from "../../proxy/operator.ts";
import type { Io } from "../io.ts";
import { outputFormat, type OutputFormat } from "../output-format.ts";
import { printFacts, printTable } from "../table.ts";
import { oneLine } from "../terminal-text.ts";

const HELP = `
A pack is a list of what agents need of a service, with levels of access. In data.yaml:  packs: [{pack: NAME, access: LEVEL, grants: [GRANT], with: {…}}]

Examples:
  weir policy packs                     those that come with Weir
  weir policy packs github              levels, rules, parameters, credentials, lines for data.yaml
  weir policy packs tracker             one of your own, of the folder policy
  weir policy packs -d other tracker    one of another folder`;

/** Where `weir policy new-pack` writes. */
const USUAL_FOLDER = "policy";

interface PacksOptions {
  readonly access?: string;
  readonly directory?: string;
  readonly output: OutputFormat;
}

/** `weir policy packs` */
export function registerPacks(policy: Command, io: Io): void {
  policy.command("packs").argument("[name]", "pack to show")
    .description("List the packs that a policy can take up, or show one.")
    .option("-d, --directory <directory>", "policy folder whose own packs are listed, too; default policy, if it has any")
    .option("--access <level>", "level to show lines of data.yaml for; default the least")
    .option("-o, --output <format>", "text or json", outputFormat, "text")
    .addHelpText("after", HELP)
    .action(async (name: string | undefined, options: PacksOptions) => {
      const packs = await readFolderPacks(options.directory ?? (existsSync(join(USUAL_FOLDER, "packs")) ? USUAL_FOLDER : undefined));
      if (name === undefined) listPacks(packs, options.output, io);
      else showPack(name, packs, options, io);
    });
}

function listPacks(packs: ReadonlyMap<string, FoundPack>, output: OutputFormat, io: Io): void {
  if (output === "json") {
    io.out(JSON.stringify([...packs].map(([name, found]) => viewOf(name, found)), null, 2));
    return;
  }
  printTable(["PACK", "FOR", "LEVELS"], [...packs].map(([name, { pack }]) => [name, pack.title, pack.levels.map((level) => level.name).join(", ")]), io);
  io.out(`\n${io.colors.bold("weir policy packs NAME")} shows one`);
}

const viewOf = (name: string, { pack, file, isShipped }: FoundPack) => ({ name, file, shipped: isShipped, ...pack });

function showPack(name: string, packs: ReadonlyMap<string, FoundPack>, { access, output }: PacksOptions, io: Io): void {
  const found = packs.get(name);
  if (found === undefined) throw new UserError(`there is no pack ${name}`, `There are ${[...packs.keys()].join(", ")}.`, EXIT.usage);
  const example = exampleOf(name, found.pack, access);
  if (output === "json") {
    io.out(JSON.stringify({ ...viewOf(name, found), example }, null, 2));
    return;
  }
  printPack(name, found, io);
  io.out(`\n${io.colors.bold("For data.yaml")}`);
  io.out(stringify({ packs: [example] }).trimEnd());
}

/** How a level is taken up, without what it does not need. */
function exampleOf(name: string, pack: FoundPack["pack"], access: string | undefined): object {
  const names = pack.levels.map((level) => level.name);
  const level = access ?? names[0] ?? "";
  if (!names.includes(level)) throw new UserError(`${name} has no level ${level}`, `It has ${names.join(", ")}.`, EXIT.usage);
  const { with: given, ...use } = exampleUse(name, pack, level);
  return Object.keys(given).length === 0 ? use : { ...use, with: given };
}

function printPack(name: string, { pack, file }: FoundPack, io: Io): void {
  const { bold } = io.colors;
  io.out(`${bold(oneLine(pack.title))}: ${oneLine(pack.about)}`);
  printFacts([["documentation", pack.source], ["file", file]], io);
  for (const [index, level] of pack.levels.entries()) {
    const includes = level.includes.length === 0 ? "" : `; includes ${level.includes.join(", ")}`;
    io.out(`\n${bold(`access: ${level.name}`)}${index === 0 ? " (default)" : ""}${includes}: ${oneLine(level.about)}`);
    const rows = entriesOf(level).map((entry) => [`${name}.${entry.rule}`, String(entry["name"] ?? entry["cidr"]), methodsOf(entry["methods"]), entry.credential ?? "-", entry.about]);
    if (rows.length > 0) printTable(["RULE", "HOST", "METHODS", "LENDS", "TO"], rows, io);
  }
  printNamed("Parameters", Object.entries(pack.parameters).map(([parameter, { about, default: usual, example }]) => (
    [parameter, `${about}${usual === undefined ? `; must be given, such as ${(example ?? []).join(", ")}` : `; default ${usual.join(", ")}`}`] as const)), io);
  printNamed("Credentials (grants: of weir.yaml)", Object.entries(pack.credentials).map(([credential, { about, recipe }]) => (
    [credential, `${about}${recipe === undefined ? "" : `; use: ${recipe}`}`] as const)), io);
}

function printNamed(title: string, facts: readonly (readonly [string, string])[], io: Io): void {
  if (facts.length === 0) return;
  io.out(`\n${io.colors.bold(title)}`);
  printFacts(facts, io);
}

/** Of an entry that names none, the library's default. */
function methodsOf(methods: unknown): string {
  return Array.isArray(methods) ? methods.join(" ") : "(default)";
}
