import * as z from "zod";
import { conditions, objectMeta } from "./meta.ts";
import { ANY_FIELDS, rules } from "./structural.ts";

/**
 * What agents that name this policy may reach. `data` is written like `data.yaml` of a policy folder, without `names` (hiding a name is
 * for the whole cluster: the chart's `policy.base`) and without `agents` (it speaks for those that name it, and for nobody else).
 */
export const egressPolicySpec = z.strictObject({
  data: z.strictObject({
    hosts: z.array(z.record(z.string(), z.json()).meta(ANY_FIELDS)).max(1_000).default([]).describe("Host entries; see policies/README.md. Grants and budgets by their names in this namespace."),
    addresses: z.array(z.record(z.string(), z.json()).meta(ANY_FIELDS)).max(100).default([]).describe("Entries for literal addresses."),
    packs: z.array(z.record(z.string(), z.json()).meta(ANY_FIELDS)).max(20).default([])
      .describe("Packs that come with Weir, as in data.yaml; see policies/README.md. Their entries come after those above, and become 5000 texts at most."),
    custom: z.record(z.string(), z.json()).default({}).meta(ANY_FIELDS).describe("Data for the Rego beside it, which reads it as `data.custom`."),
  }).prefault({}).describe("What may be reached, as data."),
  rego: z.record(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,62}\.rego$/), z.string().max(65_536)).default({})
    .meta({ maxProperties: 16, ...rules(["self.all(file, file.matches('^[a-z0-9][a-z0-9_-]{0,62}[.]rego$'))", "must be file names such as limits.rego"]) })
    .describe("Rego sources by file name; each is of package `weir.custom.connection`, `weir.custom.exchange` or `weir.custom.name`."),
}).describe("What agents that name this policy may reach.");
export type EgressPolicySpec = z.output<typeof egressPolicySpec>;

export const policyProblem = z.strictObject({
  file: z.string().max(128).describe("`data`, or the file's name in `rego`."),
  line: z.int().optional().describe("Line of the Rego source, from 1."),
  message: z.string().max(1_024).describe("What is wrong; for data it begins with the path of the field."),
});
export type PolicyProblem = z.output<typeof policyProblem>;

export const egressPolicyStatus = z.strictObject({
  observedGeneration: z.int().optional().describe("Generation of the spec that the status speaks of."),
  revision: z.string().optional().describe("Revision of the cluster's bundle that this policy is part of."),
  problems: z.array(policyProblem).max(50).default([]).describe("What is wrong, all at once."),
  conditions,
});

export const egressPolicy = z.looseObject({ metadata: objectMeta, spec: egressPolicySpec, status: egressPolicyStatus.partial().optional() });
export type EgressPolicy = z.output<typeof egressPolicy>;
