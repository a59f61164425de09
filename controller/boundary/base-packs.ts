import { readShippedPacks, withPacks, type Pack, type PolicyData } from "../../proxy/operator.ts";

/**
 * The configuration with the entries of the packs that the operator's own policy takes up; from there on it has none.
 * @throws ConfigError with every problem
 */
export async function withBasePacks<T extends { readonly boundary: { readonly base: PolicyData } }>(config: T): Promise<T> {
  return { ...config, boundary: { ...config.boundary, base: await withPacks(config.boundary.base, "boundary.base") } };
}

/** The packs that come with Weir, by name. @throws UserError if the installation lacks them */
export async function shippedPacks(): Promise<ReadonlyMap<string, Pack>> {
  return new Map([...await readShippedPacks()].map(([name, { pack }]) => [name, pack]));
}
