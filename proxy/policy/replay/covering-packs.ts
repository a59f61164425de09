import { parseHostPattern } from "../patterns.ts";
import { readShippedPacks } from "../read-packs.ts";

/** A shipped pack that knows a host, with its levels of access, the least first. */
export interface CoveringPack {
  readonly pack: string;
  readonly levels: readonly string[];
}

/** Shipped packs with an entry for the host. Names that a parameter fills in are not known here, and are left out. */
export async function coveringPacks(host: string): Promise<CoveringPack[]> {
  const packs = [...(await readShippedPacks()).values()];
  const covering = packs.filter(({ pack }) => pack.levels.some(({ hosts }) => hosts.some(({ name }) => typeof name === "string" && !name.includes("${") && coversHost(name, host))));
  return covering.map(({ pack, file }) => ({ pack: file.replace(/^.*\/|\.yaml$/g, ""), levels: pack.levels.map(({ name }) => name) }));
}

/** Whether a host pattern of `data.yaml` covers a name. */
export function coversHost(pattern: string, host: string): boolean {
  const { depth, name } = parseHostPattern(pattern);
  if (depth === "exact") return host === name;
  if (name !== "" && !host.endsWith(`.${name}`)) return false;
  return depth === "many" || host.split(".").length === (name === "" ? 1 : name.split(".").length + 1);
}
