import type { Informer, KubeApi, KubeObject, ResourceType } from "../common/kube/kube-api.ts";
import { openInformer } from "../common/kube/informer.ts";
import { TYPES } from "../common/kube/resource-types.ts";
import { LABELS } from "../common/labels.ts";
import type { Log } from "../common/log.ts";

/** What every replica holds in memory to answer callers and the webhook without asking the API server each time. */
export interface Caches {
  readonly agents: Informer;
  readonly threads: Informer;
  readonly budgets: Informer;
  /** Those that belong to an Agent. */
  readonly pods: Informer;
}

/** Not running yet. */
export function openCaches(api: KubeApi, log: Log): Caches {
  const cache = (type: ResourceType, query = {}): Informer => openInformer(api, type, query, { log, select: withoutManagedFields });
  return { agents: cache(TYPES.agents), threads: cache(TYPES.threads), budgets: cache(TYPES.budgets), pods: cache(TYPES.pods, { labelSelector: LABELS.agent }) };
}

/** Runs them until the signal aborts. */
export async function runAll(informers: readonly Informer[], signal: AbortSignal): Promise<void> {
  await Promise.all(informers.map(async (informer) => informer.run(signal)));
}

/** Resolves when each has its first list. */
export async function allSynced(informers: readonly Informer[], signal: AbortSignal): Promise<void> {
  await Promise.all(informers.map(async (informer) => informer.synced(signal)));
}

/** Often half of an object, and of no use to anybody here. */
function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata as KubeObject["metadata"] & { readonly managedFields?: unknown };
  return { ...object, metadata };
}
