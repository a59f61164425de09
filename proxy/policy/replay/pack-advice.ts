import type { PackUse } from "../data-readings.ts";
import type { Pack } from "../pack-file.ts";
import { expandPack, levelsOf } from "../packs.ts";
import { readShippedPacks } from "../read-packs.ts";
import { coveringPacks, coversHost } from "./covering-packs.ts";
import { isSameOperation, type Operation } from "./same-operation.ts";

/** What was refused, by which rule. */
export interface RefusedOperation {
  readonly host: string;
  readonly rule: string;
  readonly operation: Operation;
}

/**
 * What packs have to do with a refusal, as sentences: a shipped pack that knows a host which no entry names, or the level that covers what a rule of a taken
 * up pack refused. Such rules are not edited, so that the refusal's own hint does not help.
 * @param taken packs that the data take up
 */
export async function packAdvice(taken: readonly PackUse[], refused: RefusedOperation): Promise<string[]> {
  if (refused.rule === "hosts.default") return (await coveringPacks(refused.host)).map(({ pack, levels }) => knowsHost(pack, levels));
  const [name = ""] = refused.rule.split(".", 1);
  const use = taken.find(({ pack }) => pack === name);
  const found = use === undefined ? undefined : (await readShippedPacks()).get(name);
  if (use === undefined || found === undefined) return [];
  const level = furtherLevel(found.pack, use, refused);
  const further = level === null ? "no level of it covers this;" : `its level ${level} covers this: \`access: ${level}\` where data.yaml takes it up;`;
  return [`${refused.rule} is a rule of the pack ${name}, which comes with Weir and is not edited; ${further} or add an entry of your own to \`hosts\``];
}

function knowsHost(pack: string, levels: readonly string[]): string {
  return `the pack ${pack} knows this host: \`packs: [{pack: ${pack}, access: ${levels[0] ?? ""}}]\` in data.yaml; its levels are ${levels.join(", ")} (\`weir policy packs ${pack}\`)`;
}

/** The least level beyond the one that is taken up which covers it, with the parameters that are given. */
function furtherLevel(pack: Pack, { pack: name, access, with: values }: PackUse, { host, operation }: RefusedOperation): string | null {
  const held = new Set(levelsOf(pack, access)?.map((level) => level.name));
  const covers = (level: string) => {
    const expansion = expandPack({ pack: name, access: level, with: values }, new Map([[name, pack]]));
    return !("problems" in expansion) && expansion.entries.hosts.some((entry) => entry.effect === "allow" && coversHost(entry.name, host) && isSameOperation(entry, operation));
  };
  return pack.levels.map((level) => level.name).filter((level) => !held.has(level)).find(covers) ?? null;
}
