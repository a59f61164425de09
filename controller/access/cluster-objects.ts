import type { Informer, KubeApi, KubeObject, ObjectRef } from "../../common/kube/kube-api.ts";
import { TYPES } from "../../common/kube/resource-types.ts";

/** What is in the cluster now, as far as access and API look at it. */
export interface ClusterObjects {
  pod(ref: ObjectRef): Promise<KubeObject | null>;
  thread(ref: ObjectRef): Promise<KubeObject | null>;
  agent(ref: ObjectRef): Promise<KubeObject | null>;
  agents(namespace: string): Promise<readonly KubeObject[]>;
}

export interface ObjectCaches {
  readonly pods?: Informer;
  readonly threads?: Informer;
  readonly agents?: Informer;
}

/**
 * Reads from caches where there are any. What a cache does not have is asked of the API server: a pod calls before the cache has heard of it.
 * @param caches informers that have synced; kept up to date by whoever runs them
 */
export function clusterObjects(kube: KubeApi, caches: ObjectCaches = {}): ClusterObjects {
  return {
    pod: async (ref) => caches.pods?.get(ref) ?? kube.get(TYPES.pods, ref),
    thread: async (ref) => caches.threads?.get(ref) ?? kube.get(TYPES.threads, ref),
    agent: async (ref) => caches.agents?.get(ref) ?? kube.get(TYPES.agents, ref),
    agents: async (namespace) => caches.agents?.list().filter(({ metadata }) => metadata.namespace === namespace)
      ?? (await kube.list(TYPES.agents, { namespace })).items,
  };
}
