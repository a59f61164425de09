import { withPacks, type PolicyData } from "../../proxy/operator.ts";

/**
 * The configuration with the entries of the packs that the operator's own policy takes up; from there on it has none.
 * @throws ConfigError with every problem
 */
export async function withBasePacks<T extends { readonly boundary: { readonly base: PolicyData } }>(config: T): Promise<T> {
  return { ...config, boundary: { ...config.boundary, base: await withPacks(config.boundary.base, "boundary.base") } };
}
