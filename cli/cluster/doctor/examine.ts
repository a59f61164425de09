import { KubeError } from "../../../common/kube/kube-api.ts";
import { describeError } from "../../../common/lifecycle.ts";
import type { Cluster } from "../cluster-connection.ts";
import { isForbidden } from "../kube-trouble.ts";
import { admissionCheck } from "./check-admission.ts";
import { apiServerCheck } from "./check-api-server.ts";
import { boundaryCheck } from "./check-boundary.ts";
import { controllerCheck } from "./check-controller.ts";
import { definitionsCheck, threadsCheck } from "./check-definitions.ts";
import { kindsCheck, NOT_INSTALLED } from "./check-kinds.ts";
import { namespacesCheck, networkCheck } from "./check-namespaces.ts";
import { proxiesCheck } from "./check-proxies.ts";
import { redirectCheck } from "./check-redirect.ts";
import { rightsCheck } from "./check-rights.ts";
import { injectionCheck, webhookCheck } from "./check-webhook.ts";
import { factsOf, type Facts } from "./facts.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

/** In the order in which they are said: each needs what is above it. */
const CHECKS: readonly Check[] = [
  controllerCheck, webhookCheck, injectionCheck, admissionCheck, boundaryCheck, proxiesCheck, redirectCheck,
  rightsCheck, namespacesCheck, networkCheck, definitionsCheck, threadsCheck,
];

/** Looks at everything that an installation consists of. Changes nothing. @throws KubeError only if the API server cannot be asked at all */
export async function examineCluster(cluster: Cluster): Promise<readonly ClusterFinding[]> {
  const facts = factsOf(cluster);
  const first = await apiServerCheck.run(cluster, facts);
  const kinds = await attempt(kindsCheck, cluster, facts);
  if (kinds.includes(NOT_INSTALLED)) return [...first, NOT_INSTALLED];
  const findings = await Promise.all(CHECKS.map(async (check) => attempt(check, cluster, facts)));
  return [...first, ...kinds, ...findings.flat()];
}

async function attempt(check: Check, cluster: Cluster, facts: Facts): Promise<readonly ClusterFinding[]> {
  try {
    return await check.run(cluster, facts);
  } catch (error) {
    if (isForbidden(error)) {
      return [finding.warn(check.name, `you may not look: ${describeError(error)}`, "Somebody with more rights in the cluster should run this.")];
    }
    // A type that is not served is what the check of the kinds is about.
    if (error instanceof KubeError && error.status === 404) {
      return [finding.fail(check.name, "cannot be looked at: a kind that it needs is not served", "See the finding `kinds`.")];
    }
    return [finding.fail(check.name, describeError(error), "Run it again; if it stays so, this is a fault of the tool or of the API server.")];
  }
}
