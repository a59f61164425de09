import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { ConfigError } from "../../common/config.ts";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { allOf } from "./all-problems.ts";
import type { PolicyData } from "./data.ts";
import { PACK_NAME, type Pack } from "./pack-file.ts";
import { expandPacks } from "./packs.ts";
import { parsePack } from "./parse-pack.ts";
import { packFolder } from "./shipped-files.ts";

/** A pack and where it is from. */
export interface FoundPack {
  readonly pack: Pack;
  readonly file: string;
  readonly isShipped: boolean;
}

const ENDING = ".yaml";
/** Tests of a pack stand beside it. */
const TESTS = "_test.yaml";

/** True for the path of a pack within its folder. */
export function isPackFile(path: string): boolean {
  return path.endsWith(ENDING) && !path.endsWith(TESTS);
}

/** The packs that come with Weir, by name. @throws UserError if the installation lacks them */
export async function readShippedPacks(): Promise<ReadonlyMap<string, FoundPack>> {
  const folder = packFolder();
  const files = (await readdir(folder)).filter(isPackFile).sort();
  return new Map(await Promise.all(files.map(async (file) => {
    const path = join(folder, file);
    const name = basename(file, ENDING);
    return [name, { pack: parsePack(name, path, await readFile(path, "utf8")), file: path, isShipped: true }] as const;
  })));
}

/**
 * All packs that a policy folder can take up: the shipped ones and its own.
 * @param own texts of its `packs/NAME.yaml` by path
 * @throws UserError for a pack that is not fit, and for one that has a shipped one's name: nobody should have to ask which of the two is meant
 */
export async function readPacks(own: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, FoundPack>> {
  const shipped = await readShippedPacks();
  const read = await allOf([...own].map(([path, text]) => () => [basename(path, ENDING), readOwn(path, text, shipped)] as const));
  return new Map([...shipped, ...read]);
}

function readOwn(path: string, text: string, shipped: ReadonlyMap<string, FoundPack>): FoundPack {
  const name = basename(path, ENDING);
  if (!PACK_NAME.test(name)) throw new UserError(`${path}: ${name} is no name of a pack`, "Name the file in lower case letters, digits and -.", EXIT.config);
  if (shipped.has(name)) throw new UserError(`${path}: a pack ${name} comes with Weir`, "Give yours another name.", EXIT.config);
  return { pack: parsePack(name, path, text), file: path, isShipped: false };
}

/**
 * The data with the entries of the packs that it takes up; nothing is read where it takes up none and the folder has none.
 * @param place of the data, for messages @param placed puts the line before a problem of the data @throws ConfigError with every problem
 */
export async function withPacks(
  data: PolicyData, place: string, own: ReadonlyMap<string, string> = new Map(), placed: (problem: string) => string = (problem) => problem,
): Promise<PolicyData> {
  if (data.packs.length === 0 && own.size === 0) return data;
  const packs = await readPacks(own);
  const expanded = expandPacks(data, new Map([...packs].map(([name, { pack }]) => [name, pack])));
  if ("problems" in expanded) throw new ConfigError(place, expanded.problems.map(placed), { reference: "`weir policy packs NAME`, and of data.yaml in docs/policy.md" });
  return expanded.data;
}
