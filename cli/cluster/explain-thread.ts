import * as z from "zod";
import { EXIT, UserError } from "../../common/exit-codes.ts";
import { TYPES } from "../../common/kube/resource-types.ts";
import type { Cluster } from "./cluster-connection.ts";
import { isForbidden } from "./kube-trouble.ts";
import { conditionOf, getSeen, readAgent, readThread, type SeenCondition, type SeenThread } from "./resources.ts";

/** Why a thread has an instance, or none. */
export interface ThreadExplanation {
  readonly thread: string;
  readonly agent: string;
  readonly phase: string;
  readonly instance: string | null;
  readonly reason: string;
  readonly message: string;
  /** What to do so that it gets one; empty if nothing is wrong. */
  readonly hint: string;
  readonly unread: number;
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly conditions: readonly SeenCondition[];
  /** Conditions of its Agent that are not so. */
  readonly agentConditions: readonly SeenCondition[];
  /** Containers of the pod that do not run, with kubelet's words. */
  readonly containers: readonly string[];
}

/** By the reasons of the condition `Started` (docs/kubernetes.md). */
const HINTS: Readonly<Record<string, string>> = {
  Idle: "Nothing is wrong: the next message starts it (`weir threads send`).",
  IdleTimeout: "Nothing is wrong: the next message starts it, with the same volumes (`weir threads send`).",
  Finished: "Nothing is wrong: the agent ended its turn, and the next message starts it.",
  Stopped: "Somebody stopped it; the next message starts it.",
  Paused: "Set spec.paused to false: `kubectl patch thread NAME --type=merge -p '{\"spec\":{\"paused\":false}}'`.",
  AgentMissing: "Make the Agent, or open a thread on another: the agent of a thread cannot be changed.",
  AgentWithoutImage: "Give the Agent an image: without one it only lends its name to pods of others.",
  AgentUnreadable: "Mend the Agent: its conditions say what is wrong.",
  AgentAtMaximum: "Raise `instances.max` of the Agent, stop another of its threads, or wait.",
  Conflict: "Remove what has its name: `kubectl describe` it first.",
  VolumeLost: "Delete the claim to begin with an empty volume, or restore the volume.",
  VolumeLeaving: "It waits until the claim is gone.",
  ConfigInvalid: "Mend what the Agent asks for: a Secret, a key or a command that is not there.",
  CrashLoop: "`kubectl logs POD -c agent --previous` has its last words.",
  AgentFailed: "`kubectl logs POD -c agent --previous` has its last words.",
  EndedUnread: "The agent ended without acknowledging its message: docs/kubernetes.md has the contract.",
  InitFailed: "The boundary did not come up in the pod: `kubectl logs POD -c weir-init` and `-c weir-sidecar`.",
  PodRejected: "The API server refuses the pod: its words are in the message; `weir doctor --cluster` tries the same.",
  ImagePullFailed: "Mend the Agent's image or its imagePullSecrets; a changed Agent is tried at once.",
  Unschedulable: "Make room on the nodes, or lower the Agent's requests; `kubectl describe pod` has the scheduler's words.",
  StartTimeout: "See the pod's events; raise the Agent's `startTimeout` if it only needs longer.",
};
const RETRY = "A changed Agent is tried at once; otherwise it is tried again by itself until it is given up after ten times.";

/** @throws UserError if there is no such thread */
export async function explainThread(cluster: Cluster, name: string): Promise<ThreadExplanation> {
  const { api, namespace } = cluster;
  const thread = await getSeen(api, TYPES.threads, { namespace, name }, readThread);
  if (thread === null) {
    throw new UserError(`there is no Thread ${namespace}/${name}`, "`weir threads ls` lists yours; `kubectl get threads -A` all of them.", EXIT.failure);
  }
  const agent = await getSeen(api, TYPES.agents, { namespace, name: thread.spec.agent }, readAgent).catch((error: unknown) => {
    if (!isForbidden(error)) throw error;
    return null;
  });
  const { status } = thread;
  return {
    thread: `${namespace}/${name}`, agent: thread.spec.agent, phase: status.phase || "not looked at yet", instance: status.instance || null, ...whyOf(thread),
    unread: status.unread, attempts: status.attempts, nextAttemptAt: status.nextAttemptAt || null,
    conditions: status.conditions, agentConditions: agent?.status.conditions.filter((one) => one.status !== "True") ?? [],
    containers: status.instance === "" ? [] : await containersOf(cluster, status.instance),
  };
}

function whyOf(thread: SeenThread): Pick<ThreadExplanation, "reason" | "message" | "hint"> {
  const started = conditionOf(thread, "Started");
  if (started === undefined) {
    return { reason: "Pending", message: "no controller has looked at it yet", hint: "`weir doctor --cluster` says whether one leads." };
  }
  const { reason, message } = started;
  if (started.status === "True") return { reason, message: message || "it has an instance that runs", hint: "" };
  return { reason, message, hint: HINTS[reason] ?? RETRY };
}

const state = z.looseObject({ reason: z.string().default(""), message: z.string().default(""), exitCode: z.number().optional() });
const statuses = z.array(z.looseObject({
  name: z.string(), ready: z.boolean().default(false), restartCount: z.number().default(0),
  state: z.looseObject({ waiting: state.optional(), terminated: state.optional() }).prefault({}),
})).default([]);
const pod = z.looseObject({ status: z.looseObject({ containerStatuses: statuses, initContainerStatuses: statuses }).prefault({}) });

async function containersOf({ api, namespace }: Cluster, name: string): Promise<string[]> {
  const found = await api.get(TYPES.pods, { namespace, name }).catch((error: unknown) => {
    if (!isForbidden(error)) throw error;
    return null;
  });
  if (found === null) return [];
  const { initContainerStatuses, containerStatuses } = pod.parse(found).status;
  return [...initContainerStatuses, ...containerStatuses].flatMap((container) => {
    const halted = container.state.waiting ?? (container.state.terminated?.exitCode === 0 ? undefined : container.state.terminated);
    if (halted === undefined) return [];
    const code = halted.exitCode === undefined ? "" : ` (exit code ${halted.exitCode})`;
    return [`${container.name}: ${halted.reason || "halted"}${code}${halted.message === "" ? "" : `: ${halted.message}`}`];
  });
}
