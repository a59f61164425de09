import * as z from "zod";
import { systemClock } from "../../../common/clock.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { VERSION } from "../../../common/version.ts";
import { age } from "../../age.ts";
import type { Cluster } from "../cluster-connection.ts";
import { SEEN_TYPES } from "../seen-types.ts";
import { VERSION_LABEL } from "./check-kinds.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

/** Of Deployment, Lease and services; the chart fixes it. */
const CONTROLLER = "weir-controller";
/** Clocks of a cluster and of whoever looks at it differ; no more than this is taken for the clocks' fault, in milliseconds. */
const SKEW_MS = 30_000;

const count = z.number().default(0);
const deployment = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()).default({}), generation: count }),
  spec: z.looseObject({ replicas: z.number().default(1) }),
  status: z.looseObject({ readyReplicas: count, updatedReplicas: count, observedGeneration: count }).prefault({}),
});
const lease = z.looseObject({
  spec: z.looseObject({ holderIdentity: z.string().default(""), leaseDurationSeconds: z.number().default(15), renewTime: z.string().default("") }).prefault({}),
});

/** Whether controllers run, and one of them leads. */
export const controllerCheck: Check = { name: "controller", run: async (cluster) => [await running(cluster), await leading(cluster)] };

async function running({ api, systemNamespace }: Cluster): Promise<ClusterFinding> {
  const found = await api.get(SEEN_TYPES.deployments, { namespace: systemNamespace, name: CONTROLLER });
  if (found === null) {
    return finding.fail(
      "controller", `there is no Deployment ${systemNamespace}/${CONTROLLER}`, "Install the chart, or name its namespace with --system-namespace.",
    );
  }
  const { metadata, spec, status } = deployment.parse(found);
  const ready = `${status.readyReplicas} of ${spec.replicas} ready`;
  const look = `\`kubectl -n ${systemNamespace} describe deployment,pod -l app.kubernetes.io/component=controller\` says why.`;
  if (status.readyReplicas === 0) return finding.fail("controller", `${ready}: no thread wakes, and no governed pod can be created`, look);
  const isRolledOut = status.observedGeneration >= metadata.generation && status.readyReplicas >= spec.replicas && status.updatedReplicas >= spec.replicas;
  if (!isRolledOut) return finding.warn("controller", `${ready}, ${status.updatedReplicas} of the newest definition`, look);
  const installed = metadata.labels[VERSION_LABEL];
  if (installed !== undefined && installed !== VERSION) {
    return finding.warn("controller", `${ready}; version ${installed}, this tool is ${VERSION}`, "Use the tool of the same version.");
  }
  return finding.ok("controller", installed === undefined ? ready : `${ready}, version ${installed}`);
}

async function leading({ api, systemNamespace }: Cluster): Promise<ClusterFinding> {
  const found = await api.get(TYPES.leases, { namespace: systemNamespace, name: CONTROLLER });
  const look = `\`kubectl -n ${systemNamespace} logs deployment/${CONTROLLER}\` says what keeps it from leading.`;
  if (found === null) return finding.fail("leader", `there is no Lease ${systemNamespace}/${CONTROLLER}: no controller ever led`, look);
  const { holderIdentity, leaseDurationSeconds, renewTime } = lease.parse(found).spec;
  if (holderIdentity === "") return finding.fail("leader", "nobody leads: nothing is reconciled", look);
  const nowMs = systemClock.nowMs();
  const renewedMs = Date.parse(renewTime);
  const said = `${holderIdentity}, renewed ${age(renewTime, nowMs)} ago`;
  // NaN is not fresh either.
  const isFresh = nowMs - renewedMs <= leaseDurationSeconds * 1_000 + SKEW_MS;
  return isFresh ? finding.ok("leader", said) : finding.fail("leader", `${said}, by this machine's clock: nobody leads, and nothing is reconciled`, look);
}
