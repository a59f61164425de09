import * as z from "zod";
import type { Cluster } from "../cluster-connection.ts";
import { SEEN_TYPES } from "../seen-types.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

/** The chart's; each has a binding of its own name. */
const POLICIES = ["weir-agent-namespaces", "weir-governed-pods", "weir-ephemeral-containers", "weir-identity-fields"] as const;
const NAME = "admission policies";
const MEND = "Install the chart again: `helm upgrade`.";

/** Most of the API server's words about an expression, in characters. */
const WORDS_LIMIT = 200;
const NEWER = "Its Kubernetes may be too old for this chart, or too new; the policy still refuses what it cannot judge.";

const warnings = z.array(z.looseObject({ fieldRef: z.string(), warning: z.string() })).default([]);
const policy = z.looseObject({
  spec: z.looseObject({ failurePolicy: z.string().default("Fail") }),
  status: z.looseObject({ typeChecking: z.looseObject({ expressionWarnings: warnings }).prefault({}) }).prefault({}),
});
const binding = z.looseObject({ spec: z.looseObject({ policyName: z.string(), validationActions: z.array(z.string()).default([]) }) });

/** Whether the second layer behind the webhook is there and refuses: nobody else takes NET_ADMIN, an identity, or a pod without its boundary. */
export const admissionCheck: Check = {
  name: NAME,
  run: async (cluster) => {
    const troubles = (await Promise.all(POLICIES.map(async (name) => troubleOf(cluster, name)))).flat();
    return troubles.length > 0 ? troubles : [finding.ok(NAME, `${POLICIES.length} are bound, and deny`)];
  },
};

async function troubleOf({ api }: Cluster, name: string): Promise<ClusterFinding[]> {
  const found = await api.get(SEEN_TYPES.admissionPolicies, { name });
  if (found === null) return [finding.fail(NAME, `${name} is not there`, MEND)];
  const { spec, status } = policy.parse(found);
  if (spec.failurePolicy !== "Fail") return [finding.fail(NAME, `${name} lets pass what it cannot judge (failurePolicy ${spec.failurePolicy})`, MEND)];
  const bound = binding.safeParse(await api.get(SEEN_TYPES.admissionBindings, { name }));
  if (!bound.success || bound.data.spec.policyName !== name) return [finding.fail(NAME, `${name} is bound to nothing`, MEND)];
  if (!bound.data.spec.validationActions.includes("Deny")) {
    return [finding.fail(NAME, `the binding of ${name} only says ${bound.data.spec.validationActions.join(", ")}`, MEND)];
  }
  const [warning] = status.typeChecking.expressionWarnings;
  if (warning === undefined) return [];
  const [words = ""] = warning.warning.split("\n");
  return [finding.warn(NAME, `${name}: the API server does not understand ${warning.fieldRef}: ${words.slice(0, WORDS_LIMIT)}`, NEWER)];
}
