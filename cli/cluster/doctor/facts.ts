import * as z from "zod";
import { BOUNDARY_CONFIG_MAP } from "../../../common/boundary-set.ts";
import { TYPES } from "../../../common/kube/resource-types.ts";
import { readBoundary, type Boundary } from "../../../proxy/operator.ts";
import type { Cluster } from "../cluster-connection.ts";
import { listSeen, readAgent, readObject, type SeenAgent, type SeenObject } from "../resources.ts";
import { SEEN_TYPES } from "../seen-types.ts";

/** Label of namespaces for agents that the chart was not told of. */
export const GOVERNED_LABEL = "weir.dev/governed";
/** DaemonSet that is there where nodes write the rules. */
export const REDIRECT = "weir-redirect";
const BY_NAME = "weir-agent-namespaces-by-name";

/** What several checks need to know; each is found out once. */
export interface Facts {
  agents(): Promise<readonly SeenAgent[]>;
  namespaces(): Promise<readonly SeenObject[]>;
  /** Namespaces for agents that the chart was told. */
  namedNamespaces(): Promise<readonly string[]>;
  /** Namespaces where agents are meant to run: that the chart was told, that carry the label, or that have Agents. */
  agentNamespaces(): Promise<readonly string[]>;
  /** Whether each node has somebody who writes the rules of its pods (`redirect.mode: node`), so that their namespaces can be restricted. */
  doNodesWriteRules(): Promise<boolean>;
  /** Null if nothing was published yet. @throws Error if what is published cannot be read */
  boundary(): Promise<Boundary | null>;
}

export function factsOf(cluster: Cluster): Facts {
  const agents = once(async () => listSeen(cluster.api, TYPES.agents, undefined, readAgent));
  const namespaces = once(async () => listSeen(cluster.api, TYPES.namespaces, undefined, readObject));
  const namedNamespaces = once(async () => {
    const binding = byName.safeParse(await cluster.api.get(SEEN_TYPES.admissionBindings, { name: BY_NAME }));
    return binding.success ? binding.data.spec.matchResources.namespaceSelector.matchExpressions.flatMap(({ values }) => values) : [];
  });
  const agentNamespaces = once(async () => {
    const labelled = (await namespaces()).filter(({ metadata }) => metadata.labels[GOVERNED_LABEL] === "enabled").map(({ metadata }) => metadata.name);
    return [...new Set([...labelled, ...await namedNamespaces(), ...(await agents()).map(({ metadata }) => metadata.namespace)])].toSorted();
  });
  const boundary = once(async () => {
    const found = await cluster.api.get(TYPES.configMaps, { namespace: cluster.systemNamespace, name: BOUNDARY_CONFIG_MAP });
    return found === null ? null : readBoundary(found);
  });
  const doNodesWriteRules = once(async () => await cluster.api.get(SEEN_TYPES.daemonSets, { namespace: cluster.systemNamespace, name: REDIRECT }) !== null);
  return { agents, namespaces, namedNamespaces, agentNamespaces, doNodesWriteRules, boundary };
}

const values = z.looseObject({ values: z.array(z.string()).default([]) });
const byName = z.looseObject({
  spec: z.looseObject({ matchResources: z.looseObject({ namespaceSelector: z.looseObject({ matchExpressions: z.array(values) }) }) }),
});

function once<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => (found ??= find());
}
