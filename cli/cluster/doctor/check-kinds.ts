import * as z from "zod";
import type { KubeObject } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { VERSION } from "../../../common/version.ts";
import { SEEN_TYPES } from "../seen-types.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

const KINDS = [TYPES.agents, TYPES.threads, TYPES.egressPolicies, TYPES.credentialGrants, TYPES.budgets];
/** Set by the chart; a definition that was applied by hand has none. */
export const VERSION_LABEL = "app.kubernetes.io/version";
const MEND = "`helm upgrade` the chart of the version that you mean to run (docs/kubernetes.md, Upgrade); `crds.install: false` leaves this to you.";

/** The one finding about a cluster without Weir; nothing else is worth saying then. */
export const NOT_INSTALLED = finding.fail(
  "kinds", "none of Weir's kinds is served: Weir is not installed in this cluster", "Install the chart (docs/kubernetes.md), or choose another --context.",
);

const definition = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()).default({}) }),
  spec: z.looseObject({ versions: z.array(z.looseObject({ name: z.string(), served: z.boolean(), storage: z.boolean() })) }),
  status: z.looseObject({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]) }).default({ conditions: [] }),
});

/** Whether the API server serves Weir's kinds, in this tool's version. */
export const kindsCheck: Check = {
  name: "kinds",
  run: async (cluster) => {
    const found = await Promise.all(KINDS.map(async ({ plural, group }) => cluster.api.get(SEEN_TYPES.kinds, { name: `${plural}.${group}` })));
    if (found.every((one) => one === null)) return [NOT_INSTALLED];
    const troubles = KINDS.flatMap(({ plural, group, version }, index) => troubleOf(`${plural}.${group}`, version, found[index] ?? null));
    return troubles.length > 0 ? troubles : [finding.ok(
      "kinds", `${KINDS.map(({ kind }) => kind).join(", ")} are served as ${TYPES.agents.group}/${TYPES.agents.version}`,
    )];
  },
};

function troubleOf(name: string, version: string, found: KubeObject | null): ClusterFinding[] {
  if (found === null) return [finding.fail("kinds", `${name} is not there`, MEND)];
  const { metadata, spec, status } = definition.parse(found);
  if (!status.conditions.some((one) => one.type === "Established" && one.status === "True")) {
    return [finding.fail("kinds", `${name} is there, but not established`, `\`kubectl describe crd ${name}\` says why.`)];
  }
  const served = spec.versions.filter((one) => one.served).map((one) => one.name);
  if (!served.includes(version)) return [finding.fail("kinds", `${name} is served as ${served.join(", ") || "nothing"}, not as ${version}`, MEND)];
  const installed = metadata.labels[VERSION_LABEL];
  return installed === undefined || installed === VERSION ? [] : [finding.warn("kinds", `${name} is of version ${installed}, this tool of ${VERSION}`, MEND)];
}
