import { TYPES } from "../../common/kube/resource-types.ts";
import { saysAlready, statusApplication } from "../resources/status.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { Fleet } from "./fleet.ts";
import type { ReconcilerDeps } from "./ports.ts";

export interface AgentStatusParts {
  readonly view: Pick<ClusterView, "agentObject" | "threadsOf">;
  readonly fleet: Pick<Fleet, "instancesOf">;
  readonly kube: ReconcilerDeps["kube"];
}

/** Writes how many threads and instances an Agent has, if its status does not say so; other fields of that status have other writers. */
export async function writeAgentStatus(agentKey: string, { view, fleet, kube }: AgentStatusParts, signal: AbortSignal): Promise<void> {
  const object = view.agentObject(agentKey);
  if (object === undefined) return;
  const fields = { instances: fleet.instancesOf(agentKey), threads: view.threadsOf(agentKey).size };
  if (saysAlready(object, fields)) return;
  const { object: status, options } = statusApplication(TYPES.agents, object, { owner: "reconcile", fields });
  const uid = object.metadata.uid === undefined ? {} : { uid: object.metadata.uid };
  await kube.apply(TYPES.agents, { ...status, metadata: { ...status.metadata, ...uid } }, options, signal);
}
