import * as z from "zod";
import { boundaryBudget, policyData } from "../../proxy/operator.ts";
import { label } from "../resources/meta.ts";

const segments = z.string().max(128).regex(/^[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*$/, "must be segments with single slashes between");

/** Whole segments, so that no namespace's prefix can be the beginning of another's. */
const pathTemplate = z.string().max(128)
  .regex(/^([A-Za-z0-9_-]+\/)*\{namespace\}\/([A-Za-z0-9_-]+\/)*$/, "must be segments that each end in a slash, one of them {namespace}");

/** A dot, which no namespace has in its name, stands behind it: no namespace's prefix can be the beginning of another's. */
const rolePrefix = z.string().max(128).regex(/^([A-Za-z0-9_-]+\.)*\{namespace\}\.$/, "must be words that each end in a dot, the last of them {namespace}");

const secretName = z.string().min(1).max(253).regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "must be a name of Kubernetes");

/** Without a dot, so that none is taken for the Budget of a namespace. */
const budgets = z.record(label, boundaryBudget).superRefine((named, context) => {
  for (const [name, { parent, meter }] of Object.entries(named)) {
    if (parent === undefined) continue;
    const above = Object.hasOwn(named, parent) ? named[parent] : undefined;
    const trouble = above === undefined ? "is no budget here" : above.meter === meter ? null : `counts ${above.meter}, not ${meter}`;
    if (trouble !== null) context.addIssue({ code: "custom", path: [name, "parent"], message: trouble });
    else if (leadsBack(named, name)) context.addIssue({ code: "custom", path: [name, "parent"], message: "leads back to itself" });
  }
});

function leadsBack(named: Readonly<Record<string, { readonly parent?: string | undefined }>>, name: string): boolean {
  const passed = new Set<string>();
  for (let at: string | undefined = name; at !== undefined; at = named[at]?.parent) {
    if (passed.has(at)) return true;
    passed.add(at);
  }
  return false;
}

export const boundaryConfig = z.strictObject({
  vault: z.strictObject({
    mount: segments.default("secret").describe("Where the KV version 2 engine is mounted that all CredentialGrants read from."),
    pathTemplate: pathTemplate.default("weir/{namespace}/").describe("Prefix of every path in a CredentialGrant; `{namespace}` is the grant's own, so that no namespace reads another's secrets."),
    rolePrefix: rolePrefix.default("weir.{namespace}.").describe("Prefix of every role of an engine in a CredentialGrant; `{namespace}` is the grant's own."),
    engines: z.strictObject({
      database: segments.default("database").describe("Where the database engine is mounted."),
      aws: segments.default("aws").describe("Where the AWS engine is mounted."),
      kubernetes: segments.default("kubernetes").describe("Where the Kubernetes engine is mounted."),
      pki: segments.default("pki").describe("Where the PKI engine is mounted."),
    }).prefault({}).describe("Mounts of the engines that CredentialGrants may name roles of."),
  }).prefault({}).describe("Where secrets are."),
  kubernetesSecrets: z.array(z.strictObject({
    namespace: secretName.describe("The namespace."),
    names: z.array(secretName).min(1).max(256).describe("Names of the Secrets."),
  })).max(1_024).default([]).describe("Secrets that the node proxies have been given the right to read, for CredentialGrants of their own namespaces."),
  base: policyData.refine(({ packs }) => packs.length === 0, { path: ["packs"], message: "have no place here; write the entries that they stand for" }).prefault({}).describe("What holds for every agent of the cluster, written like `data.yaml`; it is tried before the agents' own policies, and a deny in it is final. Grants and budgets as `namespace.name`."),
  budgets: budgets.default({}).describe("Budgets of the installation, by names without a dot: caps that apply to everybody (`applies: always`), and parents for Budgets of the namespaces that `to.namespaces` names (of all if it names none)."),
  debounceMs: z.int().min(0).max(60_000).default(200).describe("Time that further changes are waited for before policies are compiled, in milliseconds."),
  resyncIntervalMs: z.int().min(1_000).max(3_600_000).default(60_000).describe("How often the boundary is compared with the cluster without any change having been seen, in milliseconds."),
  namespaceLimitBytes: z.int().min(1_024).max(16 << 20).default(256 << 10)
    .describe("Most that one namespace may add to the boundary, in bytes of JSON before compression: its EgressPolicies, then Budgets, CredentialGrants and Agents, each in order of name; what is above it is left out."),
});
export type BoundaryConfig = z.output<typeof boundaryConfig>;
