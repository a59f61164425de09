import * as z from "zod";
import { policyData } from "../../proxy/operator.ts";

const segments = z.string().max(128).regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, "must be segments with single slashes between");

/** Whole segments, so that no namespace's prefix can be the beginning of another's. */
const pathTemplate = z.string().max(128)
  .regex(/^([A-Za-z0-9_-]+\/)*\{namespace\}\/([A-Za-z0-9_-]+\/)*$/, "must be segments that each end in a slash, one of them {namespace}");

export const boundaryConfig = z.strictObject({
  vault: z.strictObject({
    mount: segments.default("secret").describe("Where the KV version 2 engine is mounted that all CredentialGrants read from."),
    pathTemplate: pathTemplate.default("weir/{namespace}/").describe("Prefix of every path in a CredentialGrant; `{namespace}` is the grant's own, so that no namespace reads another's secrets."),
  }).prefault({}).describe("Where secrets are."),
  base: policyData.prefault({}).describe("What holds for every agent of the cluster, written like `data.yaml`; it is tried before the agents' own policies, and a deny in it is final. Grants and budgets as `namespace.name`."),
  debounceMs: z.int().min(0).max(60_000).default(200).describe("Time that further changes are waited for before policies are compiled, in milliseconds."),
  resyncIntervalMs: z.int().min(1_000).max(3_600_000).default(60_000).describe("How often the boundary is compared with the cluster without any change having been seen, in milliseconds."),
  namespaceLimitBytes: z.int().min(1_024).max(16 << 20).default(256 << 10)
    .describe("Most that one namespace may add to the boundary, in bytes of JSON before compression: its EgressPolicies, then Budgets, CredentialGrants and Agents, each in order of name; what is above it is left out."),
});
export type BoundaryConfig = z.output<typeof boundaryConfig>;
