import type { ResourceType } from "../../../common/kube/kube-api.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import type { Cluster } from "../cluster-connection.ts";
import { conditionOf, listSeen, readObject, readThread, type SeenObject } from "../resources.ts";
import { finding, type Check, type ClusterFinding } from "./finding.ts";

/** Objects that are named one by one; of more only the number is said. */
const NAMED = 20;

/** Whether the definitions of teams have come into force. */
export const definitionsCheck: Check = {
  name: "definitions",
  run: async (cluster, facts) => {
    const others = await Promise.all([TYPES.egressPolicies, TYPES.credentialGrants, TYPES.budgets].map(async (type) => inspected(cluster, type)));
    const agents = (await facts.agents()).map((agent) => ({ type: TYPES.agents, object: agent }));
    const all = [...agents, ...others.flat()];
    const bad = all.flatMap(({ type, object }) => troubleOf(type, object));
    if (bad.length === 0) return [finding.ok("definitions", all.length === 0 ? "there are none yet" : `all ${all.length} are in force`)];
    const rest = bad.length - NAMED;
    return [...bad.slice(0, NAMED), ...(rest > 0 ? [finding.warn(
      "definitions", `and ${rest} more`, "`weir agents -A` and `kubectl get egresspolicies,credentialgrants,budgets -A` list them.",
    )] : [])];
  },
};

async function inspected({ api }: Cluster, type: ResourceType): Promise<{ readonly type: ResourceType; readonly object: SeenObject }[]> {
  return (await listSeen(api, type, undefined, readObject)).map((object) => ({ type, object }));
}

function troubleOf(type: ResourceType, object: SeenObject): ClusterFinding[] {
  const { metadata, status } = object;
  const name = `${type.kind} ${metadata.namespace}/${metadata.name}`;
  const look = `\`kubectl -n ${metadata.namespace} describe ${type.plural.replace(/ies$/, "y").replace(/s$/, "")} ${metadata.name}\` has the rest.`;
  const bad = status.conditions.find((one) => one.status === "False");
  if (bad !== undefined) return [finding.fail(name, `${bad.type} is not so (${bad.reason}): ${bad.message}`, look)];
  if (conditionOf(object, "Accepted") === undefined) {
    return [finding.warn(name, "no controller has looked at it yet", "See the findings `controller` and `leader`.")];
  }
  const isStale = metadata.generation !== undefined && status.observedGeneration !== undefined && status.observedGeneration < metadata.generation;
  return isStale ? [finding.warn(name, "the controller has not looked at its last change yet", "See the findings `controller` and `leader`.")] : [];
}

/** Whether threads wait for something that does not come by itself. */
export const threadsCheck: Check = {
  name: "threads",
  run: async ({ api }) => {
    const threads = await listSeen(api, TYPES.threads, undefined, readThread);
    const paused = threads.filter(({ status, spec }) => status.phase === "Paused" && !spec.paused);
    if (paused.length === 0) return [finding.ok("threads", `${threads.length}, none of them given up`)];
    return paused.slice(0, NAMED).map((thread) => {
      const { name, namespace } = thread.metadata;
      const why = conditionOf(thread, "Started");
      return finding.warn(
        `Thread ${namespace}/${name}`,
        `no longer started after ${thread.status.attempts} tries: ${why?.reason ?? "unknown"}${why?.message ? `: ${why.message}` : ""}`,
        `\`weir explain -n ${namespace} --thread ${name}\``,
      );
    });
  },
};
