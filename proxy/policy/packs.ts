import type { z } from "zod";
import { plainWords } from "../../common/config-problems.ts";
import { policyData, type PolicyData } from "./data.ts";
import type { PackUse } from "./data-readings.ts";
import type { Pack, PackEntry, PackLevel } from "./pack-file.ts";
import { countTexts, fillIn, parametersIn, readParameters, textsOf, type ParameterValues } from "./pack-parameters.ts";

/** Entries as they are written in `data.yaml`: before defaults, and before anything is checked. */
interface WrittenEntries {
  readonly hosts: readonly Readonly<Record<string, unknown>>[];
  readonly addresses: readonly Readonly<Record<string, unknown>>[];
}

/** What a pack that is taken up amounts to, or every problem of that. */
export type Expansion = { readonly entries: Pick<PolicyData, "hosts" | "addresses">; readonly texts: number } | { readonly problems: readonly string[] };

/** Levels by their order in the pack: the one that is asked for and all that it includes, itself last. Null if there is no such level. */
export function levelsOf(pack: Pack, access: string | undefined): readonly PackLevel[] | null {
  const asked = access === undefined ? pack.levels[0] : pack.levels.find(({ name }) => name === access);
  if (asked === undefined) return null;
  const wanted = new Set<string>();
  const want = (level: PackLevel): void => {
    wanted.add(level.name);
    for (const name of level.includes) {
      const included = wanted.has(name) ? undefined : pack.levels.find((each) => each.name === name);
      if (included !== undefined) want(included);
    }
  };
  want(asked);
  return pack.levels.filter(({ name }) => wanted.has(name));
}

/** The entries that a level itself has, hosts first. */
export const entriesOf = ({ hosts, addresses }: PackLevel): readonly PackEntry[] => [...hosts, ...addresses];

/** Names of the pack's credentials that these levels lend, in the order of their first use. */
export function credentialsOf(levels: readonly PackLevel[]): readonly string[] {
  return [...new Set(levels.flatMap(entriesOf).flatMap(({ credential }) => credential ?? []))];
}

/** Texts that packs may become where nobody else pays for it: parameters of many values each would fill any memory. */
const TEXTS_LIMIT = 100_000;

/**
 * Puts the entries of all packs that the data takes up behind its own. Pure.
 * @param packs all that there are, by name @param textsLimit most texts that they may become together
 * @returns the data without `packs`, or every problem as `packs.INDEX.…`
 */
export function expandPacks(data: PolicyData, packs: ReadonlyMap<string, Pack>, textsLimit = TEXTS_LIMIT): { readonly data: PolicyData } | { readonly problems: readonly string[] } {
  const problems: string[] = [];
  const [hosts, addresses] = [[...data.hosts], [...data.addresses]];
  let left = textsLimit;
  for (const [index, use] of data.packs.entries()) {
    const expansion = expandPack(use, packs, left);
    if ("problems" in expansion) {
      problems.push(...expansion.problems.map((problem) => `packs.${index}.${problem}`));
      continue;
    }
    left -= expansion.texts;
    hosts.push(...expansion.entries.hosts);
    addresses.push(...expansion.entries.addresses);
  }
  return problems.length > 0 ? { problems } : { data: { ...data, packs: [], hosts, addresses } };
}

/** One pack as entries. Every problem at once, each with its place in what takes the pack up. */
export function expandPack(use: PackUse, packs: ReadonlyMap<string, Pack>, textsLimit = TEXTS_LIMIT): Expansion {
  const pack = packs.get(use.pack);
  if (pack === undefined) return { problems: [`pack: there is no pack ${use.pack}; there are ${[...packs.keys()].sort().join(", ")}`] };
  const levels = levelsOf(pack, use.access);
  if (levels === null) return { problems: [`access: ${use.pack} has no level ${use.access}; it has ${pack.levels.map(({ name }) => name).join(", ")}`] };
  const { values, problems: unfit } = readParameters(pack.parameters, use.with, parametersIn(levels));
  const problems = [...unfit, ...credentialProblems(use, levels), ...askProblems(use, levels)];
  if (problems.length > 0) return { problems };
  const texts = levels.flatMap(entriesOf).reduce((sum, { name, cidr, ...rest }) => sum + countTexts(name ?? cidr, values) * countTexts(rest, values), 0);
  if (texts > textsLimit) return { problems: [`with: becomes ${texts} texts, and ${textsLimit} are left of those that packs may become; give fewer values`] };
  try {
    return checked(use, write(levels, { use, pack, values }), texts);
  } catch (error) {
    return { problems: [`with: ${(error as Error).message}`] };
  }
}

function credentialProblems({ grants, pack: name }: PackUse, levels: readonly PackLevel[]): string[] {
  if (grants === undefined) return [];
  const lent = credentialsOf(levels);
  if (lent.length === 0) return ["grants: nothing is lent at this level; take this out"];
  if (Array.isArray(grants)) return lent.length === 1 ? [] : [`grants: ${name} has several credentials; say which is which: {${lent.map((credential) => `${credential}: GRANT`).join(", ")}}`];
  return Object.keys(grants).filter((credential) => !lent.includes(credential)).map((credential) => `grants.${credential}: is not lent at this level; it lends ${lent.join(", ")}`);
}

function askProblems({ ask = [], pack }: PackUse, levels: readonly PackLevel[]): string[] {
  const rules = new Set(levels.flatMap(entriesOf).map(({ rule }) => `${pack}.${rule}`));
  return ask.flatMap((rule, index) => (rules.has(rule) ? [] : [`ask.${index}: ${rule} is no rule of this level; it has ${[...rules].join(", ")}`]));
}

interface Filling {
  readonly use: PackUse;
  readonly pack: Pack;
  readonly values: ParameterValues;
}

function write(levels: readonly PackLevel[], filling: Filling): WrittenEntries {
  const all = (list: "hosts" | "addresses", place: "name" | "cidr") => levels.flatMap((level) => level[list].flatMap((entry) => writeEntry(entry, place, filling)));
  return { hosts: all("hosts", "name"), addresses: all("addresses", "cidr") };
}

/** One entry, or several where its host is made of a parameter. */
function writeEntry({ rule, about, credential, ...written }: PackEntry, place: "name" | "cidr", { use, pack, values }: Filling): Readonly<Record<string, unknown>>[] {
  const { [place]: where, ...rest } = written;
  const id = `${use.pack}.${rule}`;
  const common = {
    ...fillIn(rest, values) as object, rule: id,
    ...(use.agents === undefined ? {} : { agents: use.agents }),
    ...(use.budgets === undefined ? {} : { budgets: use.budgets }),
    ...(credential === undefined || use.grants === undefined ? {} : { grants: lentAs(credential, use.grants) }),
    ...(use.ask?.includes(id) === true ? { effect: "ask", ask: { reason: `${pack.title}: ${about}` } } : {}),
  };
  const places = typeof where === "string" ? textsOf(where, values) : [where];
  return places.map((each) => ({ [place]: each, ...common }));
}

function lentAs(credential: string, grants: NonNullable<PackUse["grants"]>): readonly string[] {
  if (Array.isArray(grants)) return grants;
  return Object.hasOwn(grants, credential) ? [grants[credential] ?? []].flat() : [];
}

/** What was written, by the schema of `data.yaml`; an entry that is not fit is told by its rule. */
function checked(use: PackUse, written: WrittenEntries, texts: number): Expansion {
  const parsed = policyData.safeParse(written, { error: plainWords });
  if (parsed.success) return { entries: { hosts: parsed.data.hosts, addresses: parsed.data.addresses }, texts };
  return { problems: parsed.error.issues.map(({ path, message }) => ["pack", ruleAt(written, path) ?? use.pack, path.slice(2).join("."), message].filter((part) => part !== "").join(": ")) };
}

function ruleAt(written: WrittenEntries, [list, index]: z.core.$ZodIssue["path"]): string | null {
  return list === "hosts" || list === "addresses" ? String(written[list][Number(index)]?.["rule"]) : null;
}
