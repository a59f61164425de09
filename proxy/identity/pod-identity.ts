import { EgressError } from "../errors.ts";
import type { AgentIdentity } from "../model/agent.ts";
import type { GovernedPod } from "../model/pods.ts";

/**
 * The agent that a pod, or one container of it, is. A container is somebody else than the agent beside it: another name, another instance,
 * so that nothing is shared between the two.
 * @param container as the sidecar tagged the connection; null: the agent itself
 * @throws EgressError `identity.rejected` if the pod gives that container no identity of its own
 */
export function agentOf(pod: GovernedPod, container: string | null): AgentIdentity {
  const { namespace, thread, user, labels, chain } = pod;
  const narrowed = pod.grants === null ? {} : { grants: [...pod.grants] };
  const given = pod.allowance === null ? {} : { allowance: { ...pod.allowance } };
  const above = pod.chainAllowances.length === 0 ? {} : { chainAllowances: pod.chainAllowances.map((allowance) => ({ ...allowance })) };
  const shared = { namespace, thread, user, labels: { ...labels }, chain: [...chain], pod: pod.name, ...narrowed, ...given, ...above };
  if (container === null) return { ...shared, name: pod.agent, instance: pod.uid };
  if (!pod.containers.includes(container)) throw new EgressError("identity.rejected", `container ${container} has no identity of its own in this pod`);
  return { ...shared, name: `${pod.agent}.${container}`, instance: `${pod.uid}/${container}` };
}
