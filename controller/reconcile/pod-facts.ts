import * as z from "zod";
import type { KubeObject } from "../../common/kube/kube-api.ts";
import { GROUP, LABELS, MANAGED_BY_CONTROLLER } from "../../common/labels.ts";

/** Name of the container in an instance's pod that runs the agent. */
export const AGENT_CONTAINER = "agent";
/** JSON {@link StartMark}: what the pod was made of, for and when. The API server keeps it for us, so that no controller needs a memory. */
export const START_ANNOTATION = "weir.dev/start";

/** Why an instance did not come to life, or left its work undone. */
export type StartFailure =
  | "AgentFailed" | "ConfigInvalid" | "CrashLoop" | "EndedUnread" | "Evicted" | "ImagePullFailed" | "InitFailed" | "PodRejected" | "StartTimeout"
  | "Unschedulable";
export interface Failure {
  readonly reason: StartFailure;
  readonly message: string;
}

export type PodState =
  /** `trouble` ends the start at once, `delay` is the reason if it takes too long. */
  | { readonly kind: "starting"; readonly trouble: Failure | null; readonly delay: Failure | null }
  | { readonly kind: "running"; readonly sinceMs: number }
  | { readonly kind: "ended"; readonly failure: Failure | null };

export interface PodFacts {
  readonly name: string;
  readonly uid: string;
  /** By the clock of the controller that made it, to the millisecond; the API server's own stamp has seconds and another clock. */
  readonly createdAtMs: number;
  readonly isDeleting: boolean;
  /** `predecessor`: made by us for another Thread object of this name. `foreign`: not made by us, never touched. */
  readonly ownership: "ours" | "predecessor" | "foreign";
  /** What it was started for; null if it does not say. */
  readonly start: StartMark | null;
  readonly state: PodState;
}

const startMark = z.strictObject({ fingerprint: z.string().min(1).max(128), oldestUnreadMs: z.number().nullable(), madeAtMs: z.number() });
export type StartMark = z.output<typeof startMark>;

const text = z.string().optional();
const containerStatus = z.looseObject({
  name: z.string(),
  state: z.looseObject({
    waiting: z.looseObject({ reason: text, message: text }).optional(),
    running: z.looseObject({ startedAt: text }).optional(),
    terminated: z.looseObject({ exitCode: z.number(), reason: text, message: text }).optional(),
  }).optional(),
});
const podStatus = z.looseObject({
  phase: text, reason: text, message: text,
  conditions: z.array(z.looseObject({ type: z.string(), status: z.string(), reason: text, message: text })).optional(),
  initContainerStatuses: z.array(containerStatus).optional(),
  containerStatuses: z.array(containerStatus).optional(),
});
type PodStatus = z.output<typeof podStatus>;
type ContainerStatus = z.output<typeof containerStatus>;

/** Reasons by which a kubelet waits with a container (pkg/kubelet/images/types.go, pkg/kubelet/kuberuntime of Kubernetes 1.36). */
const WAITING: Readonly<Record<string, StartFailure>> = {
  ErrImagePull: "ImagePullFailed", ImagePullBackOff: "ImagePullFailed", InvalidImageName: "ImagePullFailed", ErrImageNeverPull: "ImagePullFailed",
  ImageInspectError: "ImagePullFailed", RegistryUnavailable: "ImagePullFailed", SignatureValidationFailed: "ImagePullFailed",
  CreateContainerConfigError: "ConfigInvalid", CreateContainerError: "ConfigInvalid", RunContainerError: "ConfigInvalid", CrashLoopBackOff: "CrashLoop",
};
const MESSAGE_LIMIT = 512;

/** What the reconciler has to know of a pod. @param threadUid of the Thread that exists now under the pod's thread name; null: none */
export function readPod(pod: KubeObject, threadUid: string | null): PodFacts {
  const { metadata } = pod;
  const start = readStartMark(metadata.annotations?.[START_ANNOTATION]);
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    createdAtMs: start?.madeAtMs ?? (Date.parse(metadata.creationTimestamp ?? "") || 0),
    isDeleting: metadata.deletionTimestamp !== undefined,
    ownership: ownershipOf(pod, threadUid),
    start,
    state: readState(podStatus.catch({}).parse(pod["status"] ?? {})),
  };
}

/** UID of the Thread that we made this object for; null if we did not make it for one. */
export function ownerThreadUid(object: KubeObject): string | null {
  if (object.metadata.labels?.[LABELS.managedBy] !== MANAGED_BY_CONTROLLER) return null;
  return object.metadata.ownerReferences?.find(({ kind, apiVersion }) => kind === "Thread" && apiVersion.startsWith(`${GROUP}/`))?.uid ?? null;
}

function ownershipOf(pod: KubeObject, threadUid: string | null): PodFacts["ownership"] {
  const owner = ownerThreadUid(pod);
  if (owner === null) return "foreign";
  return owner === threadUid ? "ours" : "predecessor";
}

function readStartMark(annotation: string | undefined): StartMark | null {
  try {
    return startMark.parse(JSON.parse(annotation ?? ""));
  } catch {
    return null;
  }
}

/** The agent's container decides: servers of tools beside it may go on for ever after it has ended. */
function readState(status: PodStatus): PodState {
  const agent = status.containerStatuses?.find(({ name }) => name === AGENT_CONTAINER)?.state;
  if (agent?.terminated !== undefined) {
    const { exitCode, reason, message } = agent.terminated;
    return { kind: "ended", failure: exitCode === 0 ? null : failure("AgentFailed", `exit code ${exitCode}`, reason, message) };
  }
  if (status.phase === "Succeeded") return { kind: "ended", failure: null };
  if (status.phase === "Failed") return { kind: "ended", failure: whyFailed(status) };
  if (agent?.running !== undefined) return { kind: "running", sinceMs: Date.parse(agent.running.startedAt ?? "") || 0 };
  return { kind: "starting", trouble: troubleOf(containersOf(status)), delay: whyUnscheduled(status) };
}

const containersOf = (status: PodStatus): readonly ContainerStatus[] => [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []];

/** Why a pod failed whose agent never ran: it was evicted, an init container failed, or the kubelet did not take it (`OutOfcpu`, `NodeAffinity`, ...). */
function whyFailed(status: PodStatus): Failure {
  if (status.reason === "Evicted" || status.reason === "Preempting" || status.reason === "Terminated") return failure("Evicted", status.reason, status.message);
  const init = status.initContainerStatuses?.find(({ state }) => (state?.terminated?.exitCode ?? 0) !== 0);
  const ended = init?.state?.terminated;
  if (init !== undefined && ended !== undefined) return failure("InitFailed", `${init.name}: exit code ${ended.exitCode}`, ended.reason, ended.message);
  return failure("PodRejected", status.reason ?? "the pod failed", status.message);
}

function troubleOf(containers: readonly ContainerStatus[]): Failure | null {
  for (const { name, state } of containers) {
    const reason = WAITING[state?.waiting?.reason ?? ""];
    if (reason !== undefined) return failure(reason, `${name}: ${state?.waiting?.reason ?? ""}`, state?.waiting?.message);
  }
  return null;
}

function whyUnscheduled(status: PodStatus): Failure | null {
  const scheduled = status.conditions?.find(({ type }) => type === "PodScheduled");
  return scheduled?.status === "False" ? failure("Unschedulable", scheduled.reason, scheduled.message) : null;
}

function failure(reason: StartFailure, ...parts: readonly (string | undefined)[]): Failure {
  return { reason, message: parts.filter((part) => part !== undefined && part !== "").join(": ").slice(0, MESSAGE_LIMIT) };
}
