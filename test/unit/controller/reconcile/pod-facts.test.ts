import { describe, expect, test } from "vitest";
import type { KubeObject } from "../../../../common/kube/kube-api.ts";
import { readPod, type PodFacts } from "../../../../controller/reconcile/pod-facts.ts";

const owner = { apiVersion: "weir.dev/v1alpha1", kind: "Thread", name: "one", uid: "thread-1" };
const labels = { "app.kubernetes.io/managed-by": "weir-controller", "weir.dev/thread": "one" };
const pod = (status: unknown, metadata: Partial<KubeObject["metadata"]> = {}): KubeObject =>
  ({ metadata: { name: "weir-one", namespace: "team", uid: "pod-1", creationTimestamp: "2026-01-01T12:00:00Z", labels, ownerReferences: [owner], ...metadata }, status });
const waiting = (name: string, reason: string, message = "") => ({ name, state: { waiting: { reason, message } } });
const terminated = (name: string, exitCode: number, reason = "Error") => ({ name, state: { terminated: { exitCode, reason } } });
const agentRuns = { name: "agent", state: { running: { startedAt: "2026-01-01T12:00:05Z" } } };

describe("the state of a pod", () => {
  const rows: readonly (readonly [string, unknown, unknown])[] = [
    ["a pod without a status starts", undefined, { kind: "starting", trouble: null, delay: null }],
    ["a status that cannot be read says nothing", { containerStatuses: "none" }, { kind: "starting", trouble: null, delay: null }],
    ["the agent's container runs", { phase: "Running", containerStatuses: [agentRuns] }, { kind: "running", sinceMs: Date.UTC(2026, 0, 1, 12, 0, 5) }],
    ["another container that runs is not the agent", { phase: "Running", containerStatuses: [{ ...agentRuns, name: "tools" }] }, { kind: "starting", trouble: null, delay: null }],
    ["an image that cannot be pulled", { containerStatuses: [waiting("agent", "ErrImagePull", "no such image")] }, { kind: "starting", trouble: { reason: "ImagePullFailed", message: "agent: ErrImagePull: no such image" } }],
    ["an image of the sidecar that cannot be pulled", { initContainerStatuses: [waiting("weir-sidecar", "ImagePullBackOff")] }, { trouble: { reason: "ImagePullFailed" } }],
    ["a Secret that is missing", { containerStatuses: [waiting("agent", "CreateContainerConfigError", "secret \"x\" not found")] }, { trouble: { reason: "ConfigInvalid" } }],
    ["a sidecar that crashes again and again", { initContainerStatuses: [waiting("weir-sidecar", "CrashLoopBackOff")] }, { trouble: { reason: "CrashLoop" } }],
    ["containers that are only being created are no trouble", { containerStatuses: [waiting("agent", "ContainerCreating"), waiting("tools", "PodInitializing")] }, { trouble: null }],
    ["no node has room", { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes" }] }, { kind: "starting", delay: { reason: "Unschedulable", message: "Unschedulable: 0/3 nodes" } }],
    ["the agent has ended well", { phase: "Running", containerStatuses: [terminated("agent", 0, "Completed")] }, { kind: "ended", failure: null }],
    ["the agent has ended well beside servers that go on", { phase: "Running", containerStatuses: [terminated("agent", 0), { ...agentRuns, name: "tools" }] }, { kind: "ended", failure: null }],
    ["the agent was killed for its memory", { phase: "Failed", containerStatuses: [terminated("agent", 137, "OOMKilled")] }, { kind: "ended", failure: { reason: "AgentFailed", message: "exit code 137: OOMKilled" } }],
    ["the init container failed", { phase: "Failed", initContainerStatuses: [terminated("weir-init", 3)] }, { kind: "ended", failure: { reason: "InitFailed", message: "weir-init: exit code 3: Error" } }],
    ["the node evicted it", { phase: "Failed", reason: "Evicted", message: "low on memory" }, { kind: "ended", failure: { reason: "Evicted", message: "Evicted: low on memory" } }],
    ["the kubelet did not take it", { phase: "Failed", reason: "OutOfcpu" }, { kind: "ended", failure: { reason: "PodRejected", message: "OutOfcpu" } }],
    ["it succeeded", { phase: "Succeeded" }, { kind: "ended", failure: null }],
  ];
  test.each(rows)("%s", (_, status, state) => {
    expect(readPod(pod(status), "thread-1").state).toMatchObject(state as PodFacts["state"]);
  });
});

describe("whose a pod is", () => {
  const rows: readonly (readonly [string, Partial<KubeObject["metadata"]>, PodFacts["ownership"]])[] = [
    ["one with our label and this thread as its owner is ours", {}, "ours"],
    ["one of another thread object of the name is a predecessor's", { ownerReferences: [{ ...owner, uid: "thread-0" }] }, "predecessor"],
    ["one without our label is foreign", { labels: { "weir.dev/thread": "one" } }, "foreign"],
    ["one without an owner is foreign", { ownerReferences: [] }, "foreign"],
    ["one whose owner is a Thread of another API is foreign", { ownerReferences: [{ ...owner, apiVersion: "threads.example.com/v1" }] }, "foreign"],
  ];
  test.each(rows)("%s", (_, metadata, ownership) => {
    expect(readPod(pod({}, metadata), "thread-1").ownership).toBe(ownership);
  });
});

test("the mark of its maker is believed, and gives the time to the millisecond", () => {
  const mark = { fingerprint: "f1", oldestUnreadMs: 7, madeAtMs: Date.UTC(2026, 0, 1, 12, 0, 0, 123) };
  const read = readPod(pod({}, { annotations: { "weir.dev/start": JSON.stringify(mark) } }), "thread-1");
  expect(read).toMatchObject({ start: mark, createdAtMs: mark.madeAtMs });
});

test.each(["", "{", "[]", "{\"fingerprint\":\"f1\"}", "{\"fingerprint\":\"f1\",\"oldestUnreadMs\":\"7\",\"madeAtMs\":1}"])("a mark that cannot be read (%s) is none", (annotation) => {
  const read = readPod(pod({}, { annotations: { "weir.dev/start": annotation } }), "thread-1");
  expect(read).toMatchObject({ start: null, createdAtMs: Date.UTC(2026, 0, 1, 12) });
});
