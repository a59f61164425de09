import * as z from "zod";
import { ConfigError, readConfig } from "../../common/config.ts";
import type { PackUse } from "./data-readings.ts";
import { packFile, type Pack } from "./pack-file.ts";
import { parametersIn } from "./pack-parameters.ts";
import { credentialsOf, entriesOf, expandPack, levelsOf } from "./packs.ts";

const REFERENCE = "docs/policy.md";

/**
 * Reads a pack and checks it whole: names that lead nowhere, parameters that nothing uses, and every entry of every level with the parameters' examples.
 * @param name of the pack @param file for messages @throws ConfigError listing every problem
 */
export function parsePack(name: string, file: string, text: string): Pack {
  const { value, document } = readConfig(z.strictObject({ [name]: packFile }), { name: file, reference: REFERENCE }, text);
  const { [name]: pack } = value as Readonly<Record<string, Pack>>;
  if (pack === undefined) throw new Error(`${file} was read without its pack`);
  const lost = namesOf(pack);
  const problems = lost.length > 0 ? lost : unfitEntries(name, pack);
  if (problems.length > 0) throw new ConfigError(file, problems.map((problem) => document.placed(problem, placeOf(problem, name, pack))), { reference: REFERENCE });
  return pack;
}

/** Below which place of the file a problem stands: an entry's are told by its rule, all others by their own place. */
function placeOf(problem: string, name: string, { levels }: Pack): readonly PropertyKey[] {
  const [rule] = problem.split(": ", 1);
  for (const [index, level] of levels.entries()) {
    for (const list of ["hosts", "addresses"] as const) {
      const at = level[list].findIndex((entry) => `${name}.${entry.rule}` === rule);
      if (at >= 0) return [name, "levels", index, list, at];
    }
  }
  return [name];
}

/** Names that lead nowhere, by their places in the file. */
function namesOf({ levels, parameters, credentials }: Pack): string[] {
  const used = new Set(levels.flatMap(entriesOf).flatMap((entry) => [...parametersIn(entry)]));
  const names = levels.map(({ name }) => name);
  return [
    ...Object.keys(parameters).filter((name) => !used.has(name)).map((name) => `parameters.${name}: no entry uses it`),
    ...[...used].filter((name) => !Object.hasOwn(parameters, name)).map((name) => `levels: \${${name}} is no parameter of this pack`),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `levels: ${name} stands there twice`),
    ...levels.flatMap(({ name, includes }, index) => includes.filter((included) => !names.slice(0, index).includes(included))
      .map((included) => `levels.${index}.includes: no level ${included} stands before ${name}`)),
    ...levels.filter((level) => entriesOf(level).length === 0 && level.includes.length === 0).map(({ name }) => `levels: ${name} has no entry and includes none`),
    ...levels.flatMap((level, index) => entriesOf(level).flatMap(({ rule, credential }) => (credential === undefined || Object.hasOwn(credentials, credential)
      ? [] : [`levels.${index}: ${rule}: ${credential} is no credential of this pack`]))),
  ];
}

/** Every entry of each level as it would be with the examples. The grants' names do not matter. */
function unfitEntries(name: string, pack: Pack): string[] {
  const problems = pack.levels.flatMap(({ name: access }) => {
    const expansion = expandPack(exampleUse(name, pack, access), new Map([[name, pack]]));
    return "problems" in expansion ? expansion.problems.map((problem) => problem.replace(/^pack: /, "").replace(/^with\./, "parameters.")) : [];
  });
  return [...new Set(problems)];
}

/** How a level could be taken up, with the examples of what it needs. */
export function exampleUse(name: string, pack: Pack, access: string): PackUse {
  const levels = levelsOf(pack, access) ?? [];
  const used = parametersIn(levels);
  const values = Object.entries(pack.parameters).filter(([key]) => used.has(key)).map(([key, { example, default: usual }]): [string, string[]] => [key, [...example ?? usual ?? []]]);
  const recipes = credentialsOf(levels).map((key) => ({ key, recipe: pack.credentials[key]?.recipe ?? name }));
  // Two credentials of one recipe are two grants.
  const grants = recipes.map(({ key, recipe }) => [key, recipes.filter((other) => other.recipe === recipe).length > 1 ? `${recipe}-${key}` : recipe] as const);
  return { pack: name, access, with: Object.fromEntries(values), ...(grants.length === 0 ? {} : { grants: Object.fromEntries(grants) }) };
}
