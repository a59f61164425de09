import * as z from "zod";
import { condition, objectMeta } from "./meta.ts";

/**
 * What agents that name this policy may reach. `data` is written like `data.yaml` of a policy folder, without `names` (hiding a name is
 * for the whole cluster: the chart's `policy.base`) and without `agents` (it speaks for those that name it, and for nobody else).
 */
export const egressPolicySpec = z.strictObject({
  data: z.strictObject({
    hosts: z.array(z.record(z.string(), z.json())).max(1_000).default([]).describe("Host entries; see policies/README.md. Grants and budgets by their names in this namespace."),
    addresses: z.array(z.record(z.string(), z.json())).max(100).default([]).describe("Entries for literal addresses."),
    custom: z.record(z.string(), z.json()).default({}).describe("Data for the Rego beside it, which reads it as `data.custom`."),
  }).prefault({}),
  rego: z.record(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}\.rego$/), z.string().max(65_536)).default({})
    .describe("Rego sources by file name; each is of package `weir.custom.connection`, `weir.custom.exchange` or `weir.custom.name`."),
});
export type EgressPolicySpec = z.output<typeof egressPolicySpec>;

export const policyProblem = z.strictObject({ file: z.string(), line: z.int().optional(), message: z.string() });
export type PolicyProblem = z.output<typeof policyProblem>;

export const egressPolicyStatus = z.strictObject({
  observedGeneration: z.int().optional(),
  revision: z.string().optional().describe("Revision of the cluster's bundle that this policy is part of."),
  problems: z.array(policyProblem).max(50).default([]),
  conditions: z.array(condition).max(16).default([]),
});

export const egressPolicy = z.looseObject({ metadata: objectMeta, spec: egressPolicySpec, status: egressPolicyStatus.partial().optional() });
export type EgressPolicy = z.output<typeof egressPolicy>;
