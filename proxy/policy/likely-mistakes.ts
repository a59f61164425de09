import type { HostEntry, PolicyData } from "./data.ts";
import type { Pack } from "./pack-file.ts";
import { credentialsOf, levelsOf } from "./packs.ts";

/** What entries and packs name that the configuration must have. */
export interface PolicyNames {
  readonly grants: readonly string[];
  readonly budgets: readonly string[];
}

/** Of the data with the entries of its packs; what Rego names is not known. */
export function namesOf({ hosts, addresses }: PolicyData): PolicyNames {
  const entries = [...hosts, ...addresses];
  const all = (key: "grants" | "budgets"): string[] => [...new Set(entries.flatMap((entry) => entry[key] ?? []))];
  return { grants: all("grants"), budgets: all("budgets") };
}

/**
 * What is fit and most likely not meant, one line each.
 * @param data with the entries of the packs @param taken how packs are taken up @param packs all that there are
 */
export function likelyMistakes(data: PolicyData, taken: PolicyData["packs"], packs: ReadonlyMap<string, Pack>): string[] {
  return [
    ...taken.flatMap((use, index) => packMistakes(use, taken.slice(0, index), packs)),
    ...data.hosts.flatMap((entry) => entryMistakes(entry, data)),
  ];
}

function packMistakes(use: PolicyData["packs"][number], before: PolicyData["packs"], packs: ReadonlyMap<string, Pack>): string[] {
  const pack = packs.get(use.pack);
  const lent = pack === undefined ? [] : credentialsOf(levelsOf(pack, use.access) ?? []);
  const isTwice = before.some((other) => other.pack === use.pack && other.access === use.access && JSON.stringify([other.with, other.agents]) === JSON.stringify([use.with, use.agents]));
  return [
    ...(use.grants === undefined && lent.length > 0 ? [`pack ${use.pack}: is taken up without \`grants\`, so its requests go without the credential ${lent.join(", ")}`] : []),
    ...(isTwice ? [`pack ${use.pack}: is taken up twice for the same; the first wins`] : []),
  ];
}

function entryMistakes(entry: HostEntry, { hosts, names }: PolicyData): string[] {
  const place = `host ${entry.name}${entry.rule === undefined ? "" : ` (rule ${entry.rule})`}`;
  const isNameAlone = entry.graphql?.names !== undefined && entry.graphql.fields === undefined;
  const found = isNameAlone ? [`${place}: \`graphql.names\` limits nothing by itself, the agent chooses the name; say \`fields\``] : [];
  if (entry.effect === "deny") return found;
  if (names.hide.includes(entry.name)) return [...found, `${place}: is never used, names.hide hides the name`];
  return hosts.some((other) => other.name === entry.name && isWhole(other)) ? [...found, `${place}: is never used, an entry for the same name denies all of it`] : found;
}

/** A deny of everything that the name has to offer, for every agent. */
function isWhole({ effect, agents, name: _, rule: _rule, reason: _reason, hint: _hint, ...rest }: HostEntry): boolean {
  return effect === "deny" && agents.includes("*/*") && Object.values(rest).every((value) => value === undefined);
}
