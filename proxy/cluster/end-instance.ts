import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { GovernedPod } from "../model/pods.ts";

/** Where an instance leaves something behind. */
export interface InstanceRooms {
  readonly live: { endWhere(isMeant: (agent: AgentIdentity) => boolean, reason: Error): void };
  readonly names: { forget(instance: string): void };
  readonly upstream: { closeInstance(instance: string): Promise<void> };
  readonly credentials: { endInstance(instance: string): Promise<void> };
}

/**
 * Ends everything of a pod that is over, or is somebody else now: connections and exchanges first, then what was kept for it, leased credentials
 * among it. Its counts stay: they belong to the agent and the thread.
 */
export async function endInstance(pod: GovernedPod, why: string, { live, names, upstream, credentials }: InstanceRooms): Promise<void> {
  const instances = [pod.uid, ...pod.containers.map((container) => `${pod.uid}/${container}`)];
  live.endWhere(({ instance }) => instances.includes(instance), new EgressError("identity.expired", why));
  for (const instance of instances) names.forget(instance);
  await Promise.all(instances.map(async (instance) => Promise.all([credentials.endInstance(instance), upstream.closeInstance(instance)])));
}
